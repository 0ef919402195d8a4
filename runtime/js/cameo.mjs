// Loads WebAssembly modules made by Cameo (`cameo compile --target wasm32`) and runs them, in
// browsers, Node.js, Deno, Bun and other engines with WebAssembly SIMD.
//
//     import { load } from "./cameo.mjs";
//     const model = await load("net.wasm");
//     const { y } = model.run({ x: new Float32Array(3 * 224 * 224) });
//     y.data, y.dims
//
// A model has the module's memory for itself and runs in the thread that calls it: cameo-pool.mjs has
// workers with a model each. Sizes and offsets below are those of runtime/include/cameo.h on wasm32,
// as asserted in runtime/wasm/Exports.c.

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

const ABI_VERSION = 2;
const SIZE_OF_IO = 24;
const SIZE_OF_VALUE = 48;
const SIZE_OF_OPTIONS = 88;
const SIZE_OF_MESSAGE = 512;
const SIZE_OF_PROPERTY = 16;
const TENSOR = 0;

/**
 * Loads a model from what compile() takes. `seed` is that of random operators, `maxIterations` how many
 * iterations the loops of a run may make in all (0: any number). Throws an Error with one sentence, or
 * what the engine throws for bytes that are no module.
 */
export async function load(source, { seed = 0n, maxIterations = 0 } = {}) {
  const exports = await instantiate(source);
  if (exports.cameo_bundle) throw new Error("the module is a bundle, which loadBundle() loads");
  return new Model(exports, constantOf(exports, "cameo_model"), BigInt(seed), BigInt(maxIterations));
}

/**
 * Loads a bundle, made by `cameo bundle`, from what compile() takes. The options are those of load(),
 * for all its models.
 */
export async function loadBundle(source, { seed = 0n, maxIterations = 0 } = {}) {
  return new Bundle(await instantiate(source), BigInt(seed), BigInt(maxIterations));
}

const instantiate = async (source) =>
  (await WebAssembly.instantiate(await compile(source), {})).exports;

// The address of what a module is made for: a model or a bundle.
function constantOf(exports, name) {
  if (!exports[name]) throw new Error("the module was not made by Cameo");
  const address = exports[name]();
  const version = new DataView(exports.memory.buffer).getUint32(address, true);
  if (version !== ABI_VERSION)
    throw new Error(
      `the module has version ${version} of Cameo's interface, this loader ${ABI_VERSION}`,
    );
  return address;
}

function textAt(exports, pointer) {
  const bytes = new Uint8Array(exports.memory.buffer, pointer);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/**
 * The WebAssembly.Module of a model, from a URL (a string or a URL object; without a scheme it is
 * relative to the page, or a path outside of browsers), a Response or the promise of one, bytes in an
 * ArrayBuffer or a view of one, or a WebAssembly.Module. Several models can be loaded from one module.
 */
export async function compile(source) {
  source = await source;
  if (typeof source === "string" || source instanceof URL) source = await open(source);
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof Response) {
    if (!source.ok) throw new Error(`${source.url}: ${source.status} ${source.statusText}`);
    // The engine compiles while the bytes arrive, but only those of the right type.
    if (source.headers.get("content-type")?.startsWith("application/wasm"))
      return WebAssembly.compileStreaming(source);
    source = await source.arrayBuffer();
  }
  if (!(source instanceof ArrayBuffer) && !ArrayBuffer.isView(source))
    throw new Error("expected a URL, a Response, the bytes of a module or a WebAssembly.Module");
  return WebAssembly.compile(source);
}

// A Response, or the bytes of a file where fetch does not read files, as in Node.js.
async function open(source) {
  const isPath = typeof source === "string" && !/^[a-z]+:/.test(source);
  if (!globalThis.process?.versions?.node || !(isPath || `${source}`.startsWith("file:")))
    return fetch(source);
  const { readFile } = await builtin("node:fs/promises");
  return readFile(isPath ? source : new URL(source));
}

/** A module of Node.js, by a name that bundlers for browsers do not follow. */
export const builtin = (name) => import(/* webpackIgnore: true */ /* @vite-ignore */ name);

export class Model {
  #exports;
  #context;

  constructor(exports, model, seed, maxIterations) {
    this.#exports = exports;
    const view = this.#view();
    const dimNames = view.getUint32(model + 28, true);
    this.name = this.#text(view.getUint32(model + 8, true));
    /**
     * What the model takes and makes: { name, dtype, dims }, where a dim is a size or a name, and dims is
     * null where only a run knows how many there are.
     */
    this.inputs = this.#ports(model + 20, model + 32, dimNames);
    this.outputs = this.#ports(model + 24, model + 36, dimNames);
    /** The model's metadata_props, opset and producer, and the compiler's version and flags. */
    this.metadata = JSON.parse(this.#text(view.getUint32(model + 12, true)));
    this.#context = this.#create(model, seed, maxIterations);
  }

  /**
   * Runs once. `inputs` has for each input's name a typed array of the input's element type
   * (BigInt64Array for int64, the bits in a Uint16Array for float16), or { data, dims }. Without dims
   * they are the model's; one that is open follows from the number of elements, more need dims. Returns
   * { data, dims } for each output's name, copied out of the module. Throws an Error with one sentence.
   */
  run(inputs) {
    if (!this.#context) throw new Error(`the model '${this.name}' was closed`);
    this.#checkNames(inputs);
    const blocks = [];
    try {
      const given = this.#values(this.inputs.length, blocks);
      const made = this.#values(this.outputs.length, blocks);
      this.inputs.forEach((port, i) => {
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
    if (this.#context) this.#exports.cameo_destroy(this.#context);
    this.#context = 0;
  }

  #checkNames(inputs) {
    const names = this.inputs.map((port) => port.name);
    const all = names.map((name) => `'${name}'`).join(", ") || "no inputs";
    if (inputs === null || typeof inputs !== "object" || ArrayBuffer.isView(inputs))
      throw new Error(`run: expected an object with an entry for each input: ${all}`);
    for (const name of names)
      if (!Object.hasOwn(inputs, name)) throw new Error(`input '${name}' is missing`);
    for (const name of Object.keys(inputs))
      if (!names.includes(name)) throw new Error(`no input is called '${name}'; there are: ${all}`);
  }

  // The memory's buffer is another one whenever it has grown.
  #view() {
    return new DataView(this.#exports.memory.buffer);
  }

  #text(pointer) {
    return textAt(this.#exports, pointer);
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
    const array = ArrayBuffer.isView(input) ? input : input?.data;
    if (!(array instanceof kind))
      throw new Error(`input '${port.name}': expected ${port.dtype} in a ${kind.name}`);
    const dims = input.dims ?? dimsFor(port, array.length);
    if (!Array.isArray(dims) || !dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0))
      throw new Error(`input '${port.name}': dims must be an array of sizes`);
    const bytes = array.byteLength;
    const data = this.#allocate(bytes, blocks);
    const table = this.#allocate(8 * dims.length, blocks);
    new Uint8Array(this.#exports.memory.buffer, data, bytes).set(
      new Uint8Array(array.buffer, array.byteOffset, bytes),
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

/** The models of a bundle. They share the module's memory, and run one at a time. */
export class Bundle {
  #exports;
  #options;
  #addresses = new Map(); // of the models, by name
  #models = new Map();
  #properties;

  constructor(exports, seed, maxIterations) {
    if (exports.cameo_model) throw new Error("the module is one model, which load() loads");
    this.#exports = exports;
    this.#options = [seed, maxIterations];
    const bundle = constantOf(exports, "cameo_bundle");
    const view = new DataView(exports.memory.buffer);
    const models = view.getUint32(bundle + 12, true);
    for (let i = 0; i < view.getInt32(bundle + 20, true); i++) {
      const model = view.getUint32(models + 4 * i, true);
      this.#addresses.set(textAt(exports, view.getUint32(model + 8, true)), model);
    }
    /** The names of all models, in order. */
    this.names = [...this.#addresses.keys()];
    const first = view.getUint32(bundle + 16, true);
    this.#properties = Array.from({ length: view.getInt32(bundle + 24, true) }, (_, i) => {
      const row = first + i * SIZE_OF_PROPERTY;
      const [key, value] = [0, 4].map((at) => textAt(exports, view.getUint32(row + at, true)));
      return { key, value, name: this.names[view.getInt32(row + 8, true)] };
    });
  }

  /** The names of the models whose metadata_props have this value under this key, in order. */
  find(key, value) {
    return this.#properties
      .filter((property) => property.key === key && property.value === value)
      .map((property) => property.name);
  }

  /** The Model of this name, which is made when it is first asked for, and kept. */
  model(name) {
    const address = this.#addresses.get(name);
    if (address === undefined) throw new Error(`the bundle has no model '${name}'`);
    if (!this.#models.has(name))
      this.#models.set(name, new Model(this.#exports, address, ...this.#options));
    return this.#models.get(name);
  }

  /** Frees the memory of the runs; the models that were asked for cannot be used any more. */
  close() {
    this.#models.forEach((model) => model.close());
    this.#models.clear();
  }
}

// The dims of an input of `length` elements that came without any.
function dimsFor(port, length) {
  const open = port.dims?.filter((dim) => typeof dim === "string").length;
  if (open === 0) return port.dims;
  if (open !== 1)
    throw new Error(`input '${port.name}': dims are needed, the model leaves them open`);
  const rest = port.dims.reduce((product, dim) => (typeof dim === "string" ? product : product * dim), 1);
  if (length % rest !== 0 || rest === 0)
    throw new Error(`input '${port.name}': ${length} elements do not fill dims [${port.dims.join(", ")}]`);
  return port.dims.map((dim) => (typeof dim === "string" ? length / rest : dim));
}
