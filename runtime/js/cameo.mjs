// Loads WebAssembly modules made by Cameo (`cameo compile --target wasm32`) and runs them, in
// browsers, Node.js and other engines with WebAssembly SIMD.
//
//     import { load } from "./cameo.mjs";
//     const model = await load(await (await fetch("net.wasm")).arrayBuffer());
//     const outputs = model.run({ x: { data: new Float32Array(3 * 224 * 224), dims: [1, 3, 224, 224] } });
//     outputs.y.data, outputs.y.dims
//
// A model has the module's memory for itself, so load it once for each run that is to happen at the
// same time as another. Sizes and offsets below are those of runtime/include/cameo.h on wasm32, as
// asserted in runtime/wasm/Exports.c.

// By ONNX's numbers of element types: name and array. Half types are their bits.
const DTYPES = {
  1: ["float32", Float32Array],
  2: ["uint8", Uint8Array],
  3: ["int8", Int8Array],
  4: ["uint16", Uint16Array],
  5: ["int16", Int16Array],
  6: ["int32", Int32Array],
  7: ["int64", BigInt64Array],
  9: ["bool", Uint8Array],
  10: ["float16", Uint16Array],
  11: ["float64", Float64Array],
  12: ["uint32", Uint32Array],
  13: ["uint64", BigUint64Array],
  16: ["bfloat16", Uint16Array],
};

const SIZE_OF_IO = 24;
const SIZE_OF_VALUE = 48;
const SIZE_OF_OPTIONS = 88;
const SIZE_OF_MESSAGE = 512;
const TENSOR = 0;

/**
 * Instantiates a module: `source` is its bytes, or a WebAssembly.Module. `seed` is that of random
 * operators, `maxIterations` how many iterations the loops of a run may make in all (0: any number).
 * Throws what the engine throws for bytes that are no module, or an Error with Cameo's sentence.
 */
export async function load(source, { seed = 0n, maxIterations = 0 } = {}) {
  const result = await WebAssembly.instantiate(source, {});
  return new Model(result.instance ?? result, BigInt(seed), BigInt(maxIterations));
}

export class Model {
  #exports;
  #context;

  constructor(instance, seed, maxIterations) {
    this.#exports = instance.exports;
    const model = this.#exports.cameo_model();
    const view = this.#view();
    const dimNames = view.getUint32(model + 28, true);
    this.name = this.#text(view.getUint32(model + 8, true));
    /**
     * What the model takes and makes: { name, dtype, dims }, where a dim is a size or a name, and dims is
     * null where only a run knows how many there are.
     */
    this.inputs = this.#ports(model + 20, model + 32, dimNames);
    this.outputs = this.#ports(model + 24, model + 36, dimNames);
    this.#context = this.#create(model, seed, maxIterations);
  }

  /**
   * Runs once. `inputs` has for each input's name { data, dims }: a typed array of the input's
   * element type (BigInt64Array for int64, the bits in a Uint16Array for float16), and its dims, which
   * may be left out where the model's are all numbers. Returns the same for the outputs, copied out
   * of the module. Throws an Error with Cameo's sentence.
   */
  run(inputs) {
    const blocks = [];
    try {
      const given = this.#values(this.inputs.length, blocks);
      const made = this.#values(this.outputs.length, blocks);
      this.inputs.forEach((port, i) => {
        if (!inputs[port.name]) throw new Error(`input '${port.name}' is missing`);
        this.#give(port, inputs[port.name], given + i * SIZE_OF_VALUE, blocks);
      });
      if (this.#exports.cameo_run(this.#context, given, made) !== 0)
        throw new Error(this.#text(this.#exports.cameo_last_error(this.#context)));
      const outputs = {};
      this.outputs.forEach((port, i) => {
        outputs[port.name] = this.#take(port, made + i * SIZE_OF_VALUE);
      });
      return outputs;
    } finally {
      blocks.forEach((block) => this.#exports.cameo_free(block));
    }
  }

  /** Frees the memory of the runs; the model cannot be used any more. */
  close() {
    this.#exports.cameo_destroy(this.#context);
    this.#context = 0;
  }

  // The memory's buffer is another one whenever it has grown.
  #view() {
    return new DataView(this.#exports.memory.buffer);
  }

  #text(pointer) {
    const bytes = new Uint8Array(this.#exports.memory.buffer, pointer);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  }

  #allocate(size, blocks) {
    const block = this.#exports.cameo_malloc(size) >>> 0;
    if (!block) throw new Error(`no memory for ${size} bytes`);
    blocks.push(block);
    return block;
  }

  #values(count, blocks) {
    const values = this.#allocate(count * SIZE_OF_VALUE, blocks);
    new Uint8Array(this.#exports.memory.buffer, values, count * SIZE_OF_VALUE).fill(0);
    return values;
  }

  #dims(view, pointer, rank) {
    return Array.from({ length: rank }, (_, i) => Number(view.getBigInt64(pointer + 8 * i, true)));
  }

  #ports(table, count, dimNames) {
    const view = this.#view();
    return Array.from({ length: view.getInt32(count, true) }, (_, i) => {
      const io = view.getUint32(table, true) + i * SIZE_OF_IO;
      const name = this.#text(view.getUint32(io, true));
      const dtype = DTYPES[view.getInt32(io + 12, true)];
      if (view.getInt32(io + 8, true) !== TENSOR || !dtype)
        throw new Error(`'${name}' is of a type that this loader does not know`);
      const rank = view.getInt32(io + 16, true);
      const dims = this.#dims(view, view.getUint32(io + 4, true), Math.max(rank, 0));
      const nameOf = (dim) => this.#text(view.getUint32(dimNames + 4 * (-1 - dim), true));
      return {
        name,
        dtype: dtype[0],
        dims: rank < 0 ? null : dims.map((dim) => (dim >= 0 ? dim : nameOf(dim))),
      };
    });
  }

  #create(model, seed, maxIterations) {
    const blocks = [];
    try {
      const options = this.#allocate(SIZE_OF_OPTIONS + SIZE_OF_MESSAGE + 4, blocks);
      const message = options + SIZE_OF_OPTIONS;
      const context = message + SIZE_OF_MESSAGE;
      new Uint8Array(this.#exports.memory.buffer, options, context + 4 - options).fill(0);
      const view = this.#view();
      view.setUint32(options, SIZE_OF_OPTIONS, true);
      view.setInt32(options + 8, 1, true);
      view.setBigUint64(options + 48, seed, true);
      view.setUint32(options + 56, message, true);
      view.setBigInt64(options + 64, BigInt(SIZE_OF_MESSAGE), true);
      view.setBigInt64(options + 72, maxIterations, true);
      const status = this.#exports.cameo_create(model, options, context);
      if (status !== 0)
        throw new Error(
          this.#text(message) || this.#text(this.#exports.cameo_status_string(model, status)),
        );
      return this.#view().getUint32(context, true);
    } finally {
      blocks.forEach((block) => this.#exports.cameo_free(block));
    }
  }

  // Copies an input into the module and describes it at `value`.
  #give(port, input, value, blocks) {
    const number = Object.keys(DTYPES).find((key) => DTYPES[key][0] === port.dtype);
    const kind = DTYPES[number][1];
    if (!(input.data instanceof kind))
      throw new Error(`input '${port.name}': expected ${port.dtype} in a ${kind.name}`);
    const dims = input.dims ?? port.dims;
    if (!dims || dims.some((dim) => typeof dim === "string"))
      throw new Error(`input '${port.name}': dims are needed, the model leaves them open`);
    const bytes = input.data.byteLength;
    const data = this.#allocate(bytes, blocks);
    const table = this.#allocate(8 * dims.length, blocks);
    new Uint8Array(this.#exports.memory.buffer, data, bytes).set(
      new Uint8Array(input.data.buffer, input.data.byteOffset, bytes),
    );
    const needed = dims.reduce((product, dim) => product * dim, kind.BYTES_PER_ELEMENT);
    if (needed !== bytes)
      throw new Error(`input '${port.name}': has ${bytes} bytes, its dims need ${needed}`);
    const view = this.#view();
    dims.forEach((dim, i) => view.setBigInt64(table + 8 * i, BigInt(dim), true));
    view.setUint32(value + 8, data, true);
    view.setUint32(value + 12, table, true);
    view.setBigInt64(value + 16, BigInt(bytes), true);
    view.setInt32(value + 24, Number(number), true);
    view.setInt32(value + 28, dims.length, true);
  }

  #take(port, value) {
    const view = this.#view();
    const dims = this.#dims(
      view,
      view.getUint32(value + 12, true),
      view.getInt32(value + 28, true),
    );
    const kind = DTYPES[view.getInt32(value + 24, true)][1];
    const count = dims.reduce((product, dim) => product * dim, 1);
    const data = view.getUint32(value + 8, true);
    return {
      dims,
      data: count ? new kind(this.#exports.memory.buffer, data, count).slice() : new kind(0),
    };
  }
}
