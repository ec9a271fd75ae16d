import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { isForIngress } from './ingress-guard.js';

function requestFor(host: string): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.headers.host = host;
  return request;
}

describe('the host of canvas back ends', () => {
  const config = { app_backend_public_url: 'http://canvas.example:9000', trust_forwarded_headers: false };

  it.each([
    ['canvas.example:9000', true],
    ['CANVAS.example:9000', true],
    ['canvas.example.:9000', true],
    ['canvas.example', false],
    ['other.canvas.example:9000', false],
    ['canvas.example:90', false],
    ['canvas.example..:9000', false],
  ])('matches the Host header %j: %j', (host, expected) => {
    expect(isForIngress(requestFor(host), config)).toBe(expected);
  });
});
