import { DATABASE_MISSING } from '../support/postgres.js';

// Each server of these specs is a cluster of three. `npm run test:cluster` runs more of them like this.
process.env['TEST_CLUSTER'] = '3';

if (DATABASE_MISSING === undefined) {
  await import('../contract/transcripts/runs.spec.js');
  await import('../contract/transcripts/hooks.spec.js');
} else {
  process.stderr.write(`clusters are not tested: ${DATABASE_MISSING}\n`);
  describe.skip('specs of one server through a cluster', () => {
    it('are skipped without a database', () => undefined);
  });
}
