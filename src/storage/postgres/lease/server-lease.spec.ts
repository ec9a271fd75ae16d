import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { eventually } from '../../../../test/support/eventually.js';
import type { Queryable } from '../database/connections.js';
import { ServerLease } from './server-lease.js';

/** A database that answers so many heartbeats and is then away. */
function answering(heartbeats: number): Queryable {
  let left = heartbeats;
  return {
    query: () => {
      left -= 1;
      if (left < 0) return Promise.reject(new Error('away'));
      return Promise.resolve({ rows: [], rowCount: 1 });
    },
  };
}

const options = (leaseSeconds: number) => ({
  ...{ leaseSeconds, url: null, proofs: undefined, process: undefined },
});

describe('the lease of a server', () => {
  beforeEach(() => {
    for (const level of ['warn', 'error'] as const)
      jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
  });
  afterEach(() => jest.restoreAllMocks());

  it('ends each time that it is not renewed, however early its timer fires', async () => {
    const leases = Array.from({ length: 50 }, (_, index) => {
      return new ServerLease(answering(1), options(0.1 + index / 1000));
    });
    let ended = 0;
    for (const lease of leases) {
      lease.onEnd(() => (ended += 1));
      await lease.renew();
    }
    await eventually(() => ended >= leases.length, 'the end of all leases', 5000);
    expect(ended).toBe(leases.length);
    expect(leases.map(({ isLive }) => isLive)).toEqual(leases.map(() => false));
    await Promise.all(leases.map((lease) => lease.stop()));
  });
});
