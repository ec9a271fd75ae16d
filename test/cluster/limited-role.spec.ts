import { randomBytes } from 'node:crypto';
import { MemberServers } from '../support/cluster/member-servers.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { describeWithDatabase } from '../support/postgres.js';
import { eventually } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const SHARED = { OH_WORKSPACES_SHARED: 'true' };

describeWithDatabase('servers whose role may not change the schema', () => {
  const members = MemberServers.forTests();

  it('work with the rights that the documentation names, and say what they lack otherwise', async () => {
    const role = `r_${randomBytes(6).toString('hex')}`;
    await members.query(`CREATE ROLE ${role} LOGIN PASSWORD '${role}'`);
    const receiver = await WebhookReceiver.start();
    try {
      const own = { ...SHARED, OH_DATABASE_URL: members.urlAs(role) };
      await expect(members.start('one', own)).rejects.toThrow(
        /cannot start: The role of database_url may not .*Start one server with a role that owns the schema/,
      );
      const owner = await members.start('one', SHARED);
      await expect(members.start('one', own)).rejects.toThrow(/give this one SELECT, INSERT/);
      await owner.stop();
      for (const rights of ['SELECT, INSERT, UPDATE, DELETE ON ALL TABLES', 'USAGE ON ALL SEQUENCES'])
        await members.query(`GRANT ${rights} IN SCHEMA public TO ${role}`);

      const webhook = { base_url: receiver.url, flush_delay: 0.1, event_buffer_size: 1 };
      const env = { ...own, OH_WEBHOOKS: JSON.stringify([webhook]), LOG_LEVEL: 'debug' };
      const [a, b] = await Promise.all([members.start('one', env), members.start('one', env)]);
      const made = await ConversationClient.create(a, scriptedRequest(members.folder, 'FINISH: one'));
      await made.reaches('finished');
      await b.request('PUT', '/api/settings/secrets', { name: 'TOKEN', value: 'hidden' });
      const settings = await b.request('PATCH', '/api/settings', { misc_settings_diff: { a: 1 } });
      const command = await a.request('POST', '/api/bash/execute_bash_command', { command: 'echo here' });
      expect([settings.status, command.status]).toEqual([200, 200]);
      await a.end('SIGKILL');
      const moved = new ConversationClient(b, made.id);
      const isSent = () =>
        moved.send('FINISH: two').then(
          () => true,
          () => false,
        );
      await eventually(isSent, 'the takeover');
      await moved.reaches('finished');
      await eventually(() => receiver.received.length > 0, 'a delivery');
      expect((await b.request('DELETE', moved.route)).status).toBe(200);
      expect((await b.request('DELETE', '/api/bash/bash_events')).status).toBe(200);
      expect(await b.flushedLog()).not.toContain('permission denied');
      await b.end();
    } finally {
      await receiver.down();
      await members.query(`REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${role}`);
      await members.query(`REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM ${role}`);
      await members.query(`DROP ROLE ${role}`);
    }
  });
});
