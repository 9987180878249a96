/**
 * Mocha's own report, then, as the last line of all, one that a machine can read: `N passed, N failed`.
 *
 * Two things count as failures that mocha lets pass in silence: a promise that rejects with nobody
 * listening, and a run that ends and does not let go of the process. CommonJS, because mocha takes a
 * reporter as the module itself.
 */
'use strict';
const { reporters } = require('mocha');

/**
 * How long after the last test a run may take to let go of its sockets, children and timers; the
 * reporter option `lingerMs` changes it.
 */
const LINGER_MS = 20_000;

class SummaryReporter extends reporters.Spec {
  /** In words, what went wrong outside of any test. */
  #strays = [];
  #seen = new WeakSet();
  #lingerMs = LINGER_MS;

  constructor(runner, options) {
    super(runner, options);
    this.#lingerMs = Number(options.reporterOptions?.lingerMs ?? LINGER_MS);
    process.on('unhandledRejection', (reason, promise) => {
      // Mocha emits the event once more.
      if (this.#seen.has(promise)) return;
      this.#seen.add(promise);
      const during = runner.currentRunnable?.fullTitle() ?? 'no test';
      const what = reason instanceof Error ? reason.stack : String(reason);
      this.#strays.push(`unhandled rejection during "${during}": ${what}`);
    });
  }

  /** Mocha calls this last; `finish` sets the exit status. */
  done(failures, finish) {
    finish(failures);
    // Mocha's own listener would throw once more, which ends Node without its exit listeners.
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => {
      this.#strays.push(`exception after the last test: ${error?.stack ?? error}`);
      process.exit(1);
    });
    // Alone this timer keeps nothing alive: it only fires when something else does.
    setTimeout(() => {
      const left = process.getActiveResourcesInfo().filter((name) => name !== 'Timeout');
      this.#strays.push(`the tests ended and this is left: ${left.join(', ') || 'timers'}`);
      process.exit(1);
    }, this.#lingerMs).unref();
    // After mocha's own listener, which sets the exit status that `finish` was told.
    process.on('exit', () => {
      const strays = this.#strays;
      if (strays.length > 0) process.exitCode = 1;
      const isFailure = Number(process.exitCode ?? 0) !== 0;
      const failed = this.stats.failures + strays.length || Number(isFailure);
      const lines = [...strays, `${this.stats.passes} passed, ${failed} failed`];
      process.stdout.write(`${lines.join('\n')}\n`);
    });
  }
}

module.exports = SummaryReporter;
