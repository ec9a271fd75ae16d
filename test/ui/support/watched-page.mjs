import assert from 'node:assert/strict';

/** What the browser reports of an HTTP answer or a connection, which the handlers below report themselves. */
const REPORTED_ELSEWHERE = /^Failed to load resource/;
/** Requests that the page gave up: it was left, or it aborted them. */
const ABORTED = 'net::ERR_ABORTED';

/**
 * Collects what went wrong in a page: console errors and warnings (violations of its policy among them),
 * errors of scripts, failed requests and sockets, and requests to other origins.
 */
export class PageWatch {
  #problems = [];
  #expected = [];

  /** @param isOurs whether an origin is one of the servers of the test */
  constructor(page, isOurs) {
    page.on('console', (message) => {
      if (!['error', 'warning'].includes(message.type()) || REPORTED_ELSEWHERE.test(message.text())) return;
      this.#add(`console ${message.type()}: ${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', ({ name, message, stack }) =>
      this.#add(`script error: ${name}: ${message}\n${stack ?? ''}`),
    );
    page.on('response', (response) => {
      if (response.status() >= 400)
        this.#add(`${response.status()} ${response.request().method()} ${response.url()}`);
    });
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (!['data:', 'blob:', 'about:'].includes(protocol) && !isOurs(origin))
        this.#add(`other origin: ${request.url()}`);
    });
    page.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText;
      if (reason !== ABORTED) this.#add(`request failed: ${request.method()} ${request.url()} ${reason}`);
    });
    page.on('websocket', (socket) => {
      const url = new URL(socket.url());
      if (!isOurs(`${url.protocol === 'wss:' ? 'https' : 'http'}://${url.host}`))
        this.#add(`other origin: ${url.href}`);
      socket.on('socketerror', (reason) => this.#add(`socket failed: ${url.href} ${reason}`));
    });
  }

  /** From now on, problems that match one of the patterns are part of the test. */
  expect(...patterns) {
    this.#expected.push(...patterns);
  }

  /** @throws if there was a problem */
  check() {
    assert.deepEqual(this.#problems, [], 'the browser reported problems');
  }

  #add(problem) {
    if (!this.#expected.some((pattern) => pattern.test(problem))) this.#problems.push(problem);
  }
}
