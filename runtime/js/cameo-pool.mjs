// Workers with a model each, for runs at the same time beside the page's own thread. Works in browsers,
// Node.js, Deno and Bun.
//
//     import { Pool } from "./cameo-pool.mjs";
//     const pool = await Pool.open("net.wasm", { size: 4 });
//     const outputs = await Promise.all(images.map((data) => pool.run({ image: data })));
//     pool.close();
import { builtin, compile } from "./cameo.mjs";

export class Pool {
  #module;
  #options;
  #workers = new Set();
  #idle = [];
  #waiting = []; // jobs for which no worker was free: { inputs, resolve, reject }

  /**
   * Compiles `source`, which load() describes, once and starts `size` workers (as many as there are
   * processors). `options` are those of load(). Throws what load() throws.
   */
  static async open(source, { size, ...options } = {}) {
    size ??= globalThis.navigator?.hardwareConcurrency ?? (await builtin("node:os")).cpus().length;
    if (!Number.isInteger(size) || size < 1) throw new Error("size: expected 1 worker or more");
    const pool = new Pool();
    pool.#module = await compile(source);
    pool.#options = options;
    try {
      await Promise.all(Array.from({ length: size }, () => pool.#start()));
    } catch (error) {
      pool.close();
      throw error;
    }
    return pool;
  }

  /** How many workers there are. */
  get size() {
    return this.#workers.size;
  }

  /** Runs once, in the first worker that is free; what Model's run() takes, gives and throws. */
  run(inputs) {
    return new Promise((resolve, reject) => {
      if (this.#workers.size === 0) return reject(new Error("the pool was closed"));
      this.#waiting.push({ inputs, resolve, reject });
      this.#next();
    });
  }

  /** Stops the workers. Runs that have not ended throw. */
  close() {
    const workers = [...this.#workers];
    this.#workers.clear();
    this.#idle = [];
    for (const job of this.#waiting.splice(0)) job.reject(new Error("the pool was closed"));
    for (const worker of workers) worker.stop(new Error("the pool was closed"));
  }

  async #start() {
    const worker = await Thread.start((lost) => this.#lose(lost));
    this.#workers.add(worker);
    await worker.ask({ module: this.#module, options: this.#options });
    this.#idle.push(worker);
    this.#next();
  }

  // A worker that ended by itself, out of memory say, is replaced.
  #lose(worker) {
    if (!this.#workers.delete(worker)) return;
    this.#idle = this.#idle.filter((other) => other !== worker);
    this.#start().catch(() => this.close());
  }

  async #next() {
    if (this.#idle.length === 0 || this.#waiting.length === 0) return;
    const worker = this.#idle.pop();
    const { inputs, resolve, reject } = this.#waiting.shift();
    try {
      resolve((await worker.ask({ inputs })).outputs);
    } catch (error) {
      reject(error);
    }
    if (this.#workers.has(worker)) this.#idle.push(worker);
    this.#next();
  }
}

// A worker that answers one question after the other, under browsers' interface and Node.js's.
class Thread {
  #worker;
  #settle;

  /** Starts a worker; `onEnd` is called when it has ended by itself. */
  static async start(onEnd) {
    const thread = new Thread();
    const ended = (event) => {
      thread.stop(new Error(event?.message || "the worker ended"));
      onEnd(thread);
    };
    if (globalThis.Worker) {
      // Bundlers know this form and take the file along.
      thread.#worker = new Worker(new URL("./cameo-worker.mjs", import.meta.url), { type: "module" });
      thread.#worker.onmessage = ({ data }) => thread.#answer(data);
      thread.#worker.onerror = ended;
    } else {
      const threads = await builtin("node:worker_threads");
      thread.#worker = new threads.Worker(new URL("./cameo-worker.mjs", import.meta.url));
      thread.#worker.on("message", (data) => thread.#answer(data));
      thread.#worker.on("error", ended);
      thread.#worker.on("exit", () => ended());
    }
    return thread;
  }

  ask(question) {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#worker.postMessage(question);
    });
  }

  stop(error) {
    this.#settle?.reject(error);
    this.#settle = undefined;
    this.#worker.terminate();
  }

  #answer(data) {
    if (data.error === undefined) this.#settle?.resolve(data);
    else this.#settle?.reject(new Error(data.error));
    this.#settle = undefined;
  }
}
