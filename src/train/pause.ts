/** Lets the event loop run now and then, so that a signal (Ctrl-C, a button) reaches a loop that only computes. */

const INTERVAL_MS = 50;

export class Pauser {
  #last = performance.now();

  /** Waits for other events if the last wait is more than 50 ms ago. */
  async pause(): Promise<void> {
    if (performance.now() - this.#last < INTERVAL_MS) return;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    this.#last = performance.now();
  }
}
