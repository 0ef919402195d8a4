// runner.c for wasm modules: runner.mjs MODULE COUNT THREADS INPUT-FILES... OUTPUT-FILES...
import { readFileSync, writeFileSync } from "node:fs";
import { load } from "../../runtime/js/cameo.mjs";

const ARRAYS = {
  float32: Float32Array, uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array,
  int32: Int32Array, int64: BigInt64Array, bool: Uint8Array, float16: Uint16Array,
  float64: Float64Array, uint32: Uint32Array, uint64: BigUint64Array, bfloat16: Uint16Array,
};

const [path, count, , ...files] = process.argv.slice(2);
try {
  const model = await load(readFileSync(path));
  const inputs = {};
  for (const port of model.inputs) {
    const bytes = readFileSync(files.shift());
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    inputs[port.name] = {
      data: new ARRAYS[port.dtype](buffer),
      dims: port.dims.map((dim) => (typeof dim === "string" ? Number(count) : dim)),
    };
  }
  const outputs = model.run(inputs);
  for (const port of model.outputs) writeFileSync(files.shift(), outputs[port.name].data);
  model.close();
} catch (error) {
  console.error(`run: ${error.message}`);
  process.exit(1);
}
