/** What a model's elements are kept in. Half types are their bits. */
export type Data =
  | Float32Array | Float64Array
  | Int8Array | Int16Array | Int32Array | BigInt64Array
  | Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

export interface Tensor<T extends Data = Data> {
  data: T;
  dims: number[];
}

/** An input: its elements, or these and its dims, which are needed where the model leaves two or more open. */
export type Input<T extends Data = Data> = T | { data: T; dims?: number[] };

export interface Port {
  name: string;
  dtype: string;
  /** A dim is a size or a name. null: only a run knows how many there are. */
  dims: (number | string)[] | null;
}

/** A URL, a Response, the bytes of a module, or a compiled module; or the promise of one. */
export type Source =
  | string | URL | Response | ArrayBuffer | ArrayBufferView | WebAssembly.Module
  | Promise<string | URL | Response | ArrayBuffer | ArrayBufferView | WebAssembly.Module>;

export interface LoadOptions {
  /** The seed of random operators. */
  seed?: number | bigint;
  /** How many iterations the loops of a run may make in all; 0: any number. */
  maxIterations?: number | bigint;
}

export class Model<Inputs = Record<string, Input>, Outputs = Record<string, Tensor>> {
  readonly name: string;
  readonly inputs: Port[];
  readonly outputs: Port[];
  /** The model's metadata_props, opset and producer, and the compiler's version and flags. */
  readonly metadata: Record<string, unknown>;
  private constructor();
  /** Runs once, in the thread that calls it. Throws an Error with one sentence. */
  run(inputs: Inputs): Outputs;
  /** Frees the memory of the runs. */
  close(): void;
}

export function load<Inputs = Record<string, Input>, Outputs = Record<string, Tensor>>(
  source: Source,
  options?: LoadOptions,
): Promise<Model<Inputs, Outputs>>;

/** The models of a bundle. They share the module's memory, and run one at a time. */
export class Bundle {
  /** The names of all models, in order. */
  readonly names: string[];
  private constructor();
  /** The names of the models whose metadata_props have this value under this key, in order. */
  find(key: string, value: string): string[];
  /** The model of this name, which is made when it is first asked for, and kept. */
  model(name: string): Model;
  /** Frees the memory of the runs. */
  close(): void;
}

export function loadBundle(source: Source, options?: LoadOptions): Promise<Bundle>;

export function compile(source: Source): Promise<WebAssembly.Module>;
