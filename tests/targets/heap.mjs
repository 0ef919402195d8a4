// Random use of a wasm module's heap: blocks are aligned, keep what is in them, do not overlap, and
// memory that was freed is used again. heap.mjs MODULE
import { readFileSync } from "node:fs";

const module = await WebAssembly.instantiate(readFileSync(process.argv[2]), {});
const { memory, cameo_malloc, cameo_free } = module.instance.exports;

let state = 12345;
const random = (limit) => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return (state >>> 8) % limit;
};
const fail = (text) => {
  console.error(text);
  process.exit(1);
};

const blocks = [];
const drop = () => {
  const { pointer, size, mark } = blocks.splice(random(blocks.length), 1)[0];
  const bytes = new Uint8Array(memory.buffer, pointer, size);
  if (bytes.some((byte) => byte !== mark)) fail(`the block at ${pointer} was overwritten`);
  cameo_free(pointer);
};
const fill = (rounds) => {
  for (let i = 0; i < rounds; i++) {
    if (blocks.length > 100 || (blocks.length && random(3) === 0)) drop();
    const size = random(10) ? random(300) : random(300000);
    const pointer = cameo_malloc(size) >>> 0;
    const mark = 1 + random(255);
    if (!pointer || pointer % 16) fail(`a block of ${size} at ${pointer}`);
    new Uint8Array(memory.buffer, pointer, size).fill(mark);
    blocks.push({ pointer, size, mark });
  }
  while (blocks.length) drop();
};

fill(5000);
const used = memory.buffer.byteLength;
fill(5000);
if (memory.buffer.byteLength > 2 * used) fail(`${memory.buffer.byteLength} bytes after ${used}`);
if (cameo_malloc(0x80000000) !== 0) fail("2 GB were given");
const half = cameo_malloc(0x7ffff000);
if (half === 0) fail("almost 2 GB were not given");
if (cameo_malloc(0x7ffff000) !== 0) fail("4 GB were given");
cameo_free(half);
if (cameo_malloc(0x7fff0000) === 0) fail("almost 2 GB were not given again");
cameo_free(0);
