// The page of examples/web in headless Chromium: node page_test.mjs CAMEO WORK-FOLDER. It classifies the test
// images as the library does, beside onnxruntime-web; WORK-FOLDER/page.png is what it looks like then.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const [cameo, work] = process.argv.slice(2);
const root = fileURLToPath(new URL("../../", import.meta.url));
const browserPath = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find((program) => existsSync(program));
let chromium;
try {
  ({ chromium } = createRequire(path.join(root, "build/npm/"))("playwright-core"));
} catch {}
if (!chromium || !browserPath) {
  console.log("skipped: there is no Chromium or no playwright-core (scripts/setup.sh --zoo)");
  process.exit(77);
}

execFileSync(path.join(root, "examples/web/build.sh"), [work], { env: { ...process.env, CAMEO: cameo } });
const modules = path.join(work, "node_modules");
if (!existsSync(modules)) symlinkSync(path.join(root, "build/npm/node_modules"), modules);

const types = { ".html": "text/html", ".mjs": "text/javascript", ".wasm": "application/wasm" };
const server = http.createServer((request, response) => {
  const file = path.join(work, new URL(request.url, "http://page").pathname);
  const type = types[path.extname(file)] ?? "application/octet-stream";
  response.writeHead(existsSync(file) ? 200 : 404, { "content-type": type });
  response.end(existsSync(file) ? readFileSync(file) : "");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage({ viewport: { width: 900, height: 900 } });
  await page.goto(`http://127.0.0.1:${server.address().port}/index.html`);
  const result = await page.evaluate(() => globalThis.done);
  console.log(JSON.stringify(result));
  assert.equal(result.error, undefined);
  assert.equal(result.right, 288);
  assert.equal(result.other.right, 288);
  assert.ok(result.deviation < 1e-4);

  // A vertical stroke is a one, and the bars say so.
  await page.click("#clear");
  const box = await page.locator("#drawing").boundingBox();
  await page.mouse.move(box.x + 112, box.y + 30);
  await page.mouse.down();
  await page.mouse.move(box.x + 112, box.y + 190, { steps: 8 });
  await page.mouse.up();
  assert.equal(await page.locator("#scores .best").first().textContent(), "1");
  await page.screenshot({ path: path.join(work, "page.png") });
} finally {
  await browser.close();
  server.close();
}
