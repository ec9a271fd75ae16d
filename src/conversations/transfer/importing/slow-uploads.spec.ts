import { once } from 'node:events';
import { createServer, request as connect, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { disconnectSlow, type UploadPace } from './slow-uploads.js';

describe('disconnectSlow', () => {
  /** Uploads pieces of this size, one every 5 ms. @returns how many arrived when it ended */
  async function upload(pace: UploadPace, bytes: number, pieces: number): Promise<number | 'disconnected'> {
    let received = 0;
    const receive = async (request: IncomingMessage): Promise<void> => {
      const stop = disconnectSlow(request, pace);
      try {
        for await (const chunk of request) received += (chunk as Buffer).length;
      } finally {
        stop();
      }
    };
    const server = createServer((request, response) => {
      receive(request).then(
        () => response.end(),
        () => undefined,
      );
    }).listen(0);
    try {
      await once(server, 'listening');
      const client = connect({ port: (server.address() as AddressInfo).port, method: 'POST' });
      const answered = once(client, 'response').then(
        () => received,
        () => 'disconnected' as const,
      );
      let sent = 0;
      const drip = setInterval(() => {
        sent += 1;
        if (sent > pieces) client.end();
        else client.write(Buffer.alloc(bytes));
      }, 5);
      const result = await answered;
      clearInterval(drip);
      client.destroy();
      return result;
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it('disconnects a client that drips, although it never stops', async () => {
    expect(await upload({ windowMs: 100, windowBytes: 100_000, totalMs: 60_000 }, 1, Infinity)).toBe(
      'disconnected',
    );
  });

  it('disconnects a client that is fast enough, but takes too long in all', async () => {
    expect(await upload({ windowMs: 100, windowBytes: 1, totalMs: 250 }, 1000, Infinity)).toBe(
      'disconnected',
    );
  });

  it('leaves others alone, and looks no longer when they have ended', async () => {
    expect(await upload({ windowMs: 2_000, windowBytes: 1, totalMs: 60_000 }, 1000, 5)).toBe(5000);
  });
});
