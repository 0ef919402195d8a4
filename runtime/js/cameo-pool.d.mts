import type { Input, LoadOptions, Source, Tensor } from "./cameo.mjs";

export interface PoolOptions extends LoadOptions {
  /** How many workers; as many as there are processors when not given. */
  size?: number;
}

/** Workers with a model each, for runs at the same time. */
export class Pool<Inputs = Record<string, Input>, Outputs = Record<string, Tensor>> {
  readonly size: number;
  private constructor();
  static open<Inputs = Record<string, Input>, Outputs = Record<string, Tensor>>(
    source: Source,
    options?: PoolOptions,
  ): Promise<Pool<Inputs, Outputs>>;
  /** Runs once, in the first worker that is free. */
  run(inputs: Inputs): Promise<Outputs>;
  /** Stops the workers. Runs that have not ended throw. */
  close(): void;
}
