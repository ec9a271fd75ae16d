import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { chain } from './chain.js';

const context = new AsyncLocalStorage<string>();
const reached: string[] = [];
const passes =
  (name: string): RequestHandler =>
  (_request, _response, next) => {
    reached.push(name);
    next();
  };
const within: RequestHandler = (_request, _response, next) => context.run('of the request', next);
const later: RequestHandler = (_request, _response, next) => void setImmediate(next);
const passesAsync: RequestHandler = async (_request, _response, next) => {
  await Promise.resolve();
  next();
};
const failing: RequestHandler = () => {
  throw new Error('thrown');
};

/** What comes of a request that goes through these handlers, in a chain or one by one. */
async function answerOf(handlers: RequestHandler[], chained: boolean): Promise<unknown> {
  reached.length = 0;
  const app = express();
  app.use(...(chained ? [chain(...handlers)] : handlers));
  app.use(passes('behind'), (_request, response) => void response.json({ reached: [...reached] }));
  const answersErrors: ErrorRequestHandler = (error: Error, _request, response, _next) => {
    response.status(500).json({ error: error.message, context: context.getStore(), reached: [...reached] });
  };
  app.use(answersErrors);
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/`);
    return { status: response.status, body: await response.json() };
  } finally {
    server.close();
  }
}

describe('a chain of handlers', () => {
  it.each<[string, RequestHandler[]]>([
    ['that pass on', [passes('a'), within, later, passes('b')]],
    ['of which one answers', [passes('a'), (_request, response) => void response.json('done'), passes('b')]],
    ['of which one throws', [within, passes('a'), failing, passes('b')]],
    ['of which one throws later', [within, later, failing, passes('b')]],
    ['of which one tells an error', [passes('a'), (_q, _r, next) => next(new Error('told')), passes('b')]],
    ['of which one tells no error', [(_q, _r, next) => next(null), passes('b')]],
    [
      'of which one is asynchronous and fails',
      [within, () => Promise.reject(new Error('late')), passes('b')],
    ],
    ['of which one is asynchronous and passes on', [passesAsync, passes('b')]],
    ['without any', [passes('only')]],
  ])('%s does what Express does with them one by one', async (_, handlers) => {
    expect(await answerOf(handlers, true)).toEqual(await answerOf(handlers, false));
  });
});
