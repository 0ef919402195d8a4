// The JavaScript package in Node.js: node loader_test.mjs CAMEO WORK-FOLDER. Modules that CAMEO compiles
// into WORK-FOLDER are loaded from everything that load() takes, run, and given what does not fit.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { compile, load, loadBundle } from "../../runtime/js/cameo.mjs";
import { Pool } from "../../runtime/js/cameo-pool.mjs";

const [cameo, work] = process.argv.slice(2);
const root = fileURLToPath(new URL("../../", import.meta.url));
const file = path.join(work, "digits.wasm");
const zeros = (count) => new Float32Array(count);
let server, base;

before(async () => {
  mkdirSync(work, { recursive: true });
  const model = path.join(root, "examples/digits/digits.onnx");
  execFileSync(cameo, ["compile", model, "--target", "wasm32", "-o", file]);
  server = http.createServer((request, response) => {
    const known = request.url.startsWith("/digits");
    const type = request.url === "/digits.wasm" ? "application/wasm" : "application/octet-stream";
    response.writeHead(known ? 200 : 404, { "content-type": type });
    response.end(known ? readFileSync(file) : "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${server.address().port}`;
});
after(() => server.close());

test("a model is loaded from whatever there is", async () => {
  const bytes = readFileSync(file);
  const sources = {
    path: file,
    "file URL": pathToFileURL(file),
    "text of a file URL": pathToFileURL(file).href,
    URL: new URL(`${base}/digits.wasm`),
    "URL of another type": `${base}/digits.bin`,
    Response: await fetch(`${base}/digits.wasm`),
    "promise of a Response": fetch(`${base}/digits.wasm`),
    Buffer: bytes,
    ArrayBuffer: new Uint8Array(bytes).buffer,
    Module: await compile(file),
  };
  for (const [name, source] of Object.entries(sources)) {
    const model = await load(source);
    assert.deepEqual(model.run({ image: zeros(64) }).logits.dims, [1, 10], name);
    model.close();
  }
});

test("what is no model is refused", async () => {
  await assert.rejects(load(`${base}/nothing.wasm`), /nothing\.wasm: 404/);
  await assert.rejects(load(path.join(work, "nothing.wasm")), /ENOENT/);
  await assert.rejects(load(3), /expected a URL, a Response, the bytes/);
  await assert.rejects(load(null), /expected a URL, a Response, the bytes/);
  await assert.rejects(load(new Uint8Array(8)), WebAssembly.CompileError);
  const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  await assert.rejects(load(empty), /was not made by Cameo/);
});

test("a model says what it is", async () => {
  const model = await load(file);
  assert.deepEqual(model.inputs, [{ name: "image", dtype: "float32", dims: ["batch", 1, 8, 8] }]);
  assert.deepEqual(model.outputs, [{ name: "logits", dtype: "float32", dims: ["batch", 10] }]);
  assert.equal(model.metadata.producer_name, "pytorch");
  model.close();
});

test("a dim left open follows from the elements", async () => {
  const model = await load(file);
  for (const count of [0, 1, 3])
    assert.deepEqual(model.run({ image: zeros(64 * count) }).logits.dims, [count, 10]);
  const image = { data: zeros(128), dims: [2, 1, 8, 8] };
  assert.deepEqual(model.run({ image }).logits, model.run({ image: image.data }).logits);
  model.close();
});

test("inputs that do not fit are one sentence", async () => {
  const model = await load(file);
  const cases = [
    [undefined, /an entry for each input: 'image'/],
    [zeros(64), /an entry for each input: 'image'/],
    [{}, /input 'image' is missing/],
    [{ image: null }, /expected float32 in a Float32Array/],
    [{ image: new Float64Array(64) }, /expected float32 in a Float32Array/],
    [{ image: zeros(64), mask: zeros(1) }, /no input is called 'mask'/],
    [{ image: zeros(63) }, /63 elements do not fill dims \[batch, 1, 8, 8\]/],
    [{ image: { data: zeros(64), dims: 64 } }, /dims must be an array of sizes/],
    [{ image: { data: zeros(64), dims: [1, 1, -8, -8] } }, /dims must be an array of sizes/],
    [{ image: { data: zeros(64), dims: [1, 1, 8, 4] } }, /has 256 bytes, its dims need 128/],
    [{ image: { data: zeros(64), dims: [1, 1, 4, 16] } }, /image/],
    [{ image: { data: zeros(64), dims: [64] } }, /image/],
  ];
  for (const [inputs, message] of cases) assert.throws(() => model.run(inputs), { name: "Error", message });
  assert.deepEqual(model.run({ image: zeros(64) }).logits.dims, [1, 10]);
  model.close();
  model.close();
  assert.throws(() => model.run({ image: zeros(64) }), /'digits' was closed/);
});

test("the module beside the wasm file finds it", async () => {
  const digits = await import(pathToFileURL(path.join(work, "digits.mjs")));
  const model = await digits.load();
  assert.equal(model.name, "digits");
  assert.deepEqual((await digits.load(readFileSync(file))).inputs, model.inputs);
});

test("a pool gives what a model gives", async () => {
  const model = await load(file);
  const pool = await Pool.open(file, { size: 3 });
  assert.equal(pool.size, 3);
  const images = Array.from({ length: 20 }, (_, i) => zeros(64).fill(i / 20));
  const made = await Promise.all(images.map((image) => pool.run({ image })));
  images.forEach((image, i) => assert.deepEqual(made[i], model.run({ image })));
  await assert.rejects(pool.run({}), /input 'image' is missing/);
  assert.deepEqual((await pool.run({ image: images[1] })).logits, made[1].logits);
  const late = pool.run({ image: zeros(64 * 1000) });
  pool.close();
  await assert.rejects(late, /the pool was closed/);
  await assert.rejects(pool.run({ image: images[0] }), /the pool was closed/);
  await assert.rejects(Pool.open(file, { size: 0 }), /expected 1 worker or more/);
  await assert.rejects(Pool.open(new Uint8Array(8)), WebAssembly.CompileError);
});

test("the package has the version of the program", () => {
  const { version } = JSON.parse(readFileSync(path.join(root, "runtime/js/package.json"), "utf8"));
  assert.equal(version, readFileSync(path.join(root, "VERSION"), "utf8").trim());
});

test("the models of a bundle are found and run side by side", async () => {
  const model = path.join(root, "examples/digits/digits.onnx");
  const bundled = path.join(work, "pair.wasm");
  // An entry of metadata_props at the end of the file: species = rose.
  const property = Buffer.from("\x72\x0f\x0a\x07species\x12\x04rose", "latin1");
  writeFileSync(path.join(work, "copy.onnx"), Buffer.concat([readFileSync(model), property]));
  execFileSync(cameo, ["bundle", model, path.join(work, "copy.onnx"), "--target", "wasm32", "-o", bundled]);
  const bundle = await loadBundle(bundled);
  assert.deepEqual(bundle.names, ["copy", "digits"]);
  assert.deepEqual(bundle.find("no such key", "x"), []);
  assert.deepEqual(bundle.find("species", "rose"), ["copy"]);
  assert.equal(bundle.model("copy").metadata["property.species"], "rose");
  const image = Float32Array.from({ length: 64 }, (_, i) => i % 16);
  const alone = (await load(file)).run({ image }).logits.data;
  assert.deepEqual(bundle.model("digits").run({ image }).logits.data, alone);
  assert.deepEqual(bundle.model("copy").run({ image }).logits.data, alone);
  assert.equal(bundle.model("copy"), bundle.model("copy"));
  assert.throws(() => bundle.model("third"), /the bundle has no model 'third'/);
  bundle.close();
  await assert.rejects(load(bundled), /a bundle, which loadBundle\(\) loads/);
  await assert.rejects(loadBundle(file), /one model, which load\(\) loads/);
});
