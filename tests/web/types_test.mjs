// The types beside a wasm module: node types_test.mjs CAMEO WORK-FOLDER. TypeScript accepts a right use of
// them, and refuses a wrong one at each line that says so.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const [cameo, work] = process.argv.slice(2);
const root = fileURLToPath(new URL("../../", import.meta.url));
const require = createRequire(path.join(root, "build/npm/"));
let tsc;
try {
  tsc = require.resolve("typescript/bin/tsc");
} catch {
  console.log("skipped: TypeScript is not installed (scripts/setup.sh --zoo)");
  process.exit(77);
}

const source = `import { load } from "./digits.mjs";
import { load as loadAny, type Tensor } from "./cameo.mjs";
import { Pool } from "./cameo-pool.mjs";
import type { Inputs, Outputs } from "./digits.mjs";

const model = await load();
const logits: Tensor<Float32Array> = model.run({ image: new Float32Array(64) }).logits;
model.run({ image: { data: logits.data, dims: [1, 1, 8, 8] } });
const pool = await Pool.open<Inputs, Outputs>(new URL("digits.wasm", import.meta.url), { size: 2 });
const rows: number | undefined = (await pool.run({ image: new Float32Array(64) })).logits.dims[0];
const any = await loadAny(fetch("digits.wasm"), { seed: 3 });
any.run({ anything: new BigInt64Array(1) });
model.run({ image: new Float64Array(64) }); // wrong
model.run({ picture: new Float32Array(64) }); // wrong
model.run({}); // wrong
model.run({ image: new Float32Array(64) }).scores; // wrong
await Pool.open("digits.wasm", { workers: 2 }); // wrong
console.log(rows, any.inputs[0]?.dims);
`;

mkdirSync(work, { recursive: true });
execFileSync(cameo, ["compile", path.join(root, "examples/digits/digits.onnx"), "--target", "wasm32", "-o", `${work}/`]);
cpSync(path.join(root, "runtime/js/cameo-pool.d.mts"), path.join(work, "cameo-pool.d.mts"));
writeFileSync(path.join(work, "use.mts"), source);
const options = "--noEmit --strict --target es2022 --module nodenext --lib es2022,dom".split(" ");
const { stdout } = spawnSync(process.execPath, [tsc, ...options, "use.mts"], { cwd: work, encoding: "utf8" });
const found = [...stdout.matchAll(/^(\S+)\((\d+),/gm)].map((match) => `${match[1]}:${match[2]}`);
const wrong = source.split("\n").flatMap((line, i) => (line.endsWith("// wrong") ? [`use.mts:${i + 1}`] : []));
assert.deepEqual(found, wrong, stdout);
