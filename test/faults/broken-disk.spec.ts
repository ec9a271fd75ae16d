import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { scriptedRequest, type ConversationClient } from '../support/conversation-client.js';
import { Ledger } from '../support/ledger.js';
import { ServerProcess } from '../support/server-process.js';

const run = promisify(execFile);

/**
 * Overrides functions of the C library: while the file $BROKEN_WHILE exists, syncs and durable writes fail
 * with EIO.
 */
const SHIM = `
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static int is_broken(void) {
  const char *file = getenv("BROKEN_WHILE");
  return file && access(file, F_OK) == 0;
}
int fdatasync(int fd) {
  if (is_broken()) { errno = EIO; return -1; }
  return syscall(SYS_fdatasync, fd);
}
int fsync(int fd) {
  if (is_broken()) { errno = EIO; return -1; }
  return syscall(SYS_fsync, fd);
}
/* Writes that have to be durable reach the page cache, and then fail. */
static ssize_t written(int fd, ssize_t count) {
  if (count >= 0 && (fcntl(fd, F_GETFL) & O_DSYNC) && is_broken()) { errno = EIO; return -1; }
  return count;
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  return written(fd, syscall(SYS_pwrite64, fd, bytes, count, offset));
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) {
  return written(fd, syscall(SYS_pwrite64, fd, bytes, count, offset));
}
`;

const shims = await mkdtemp(path.join(os.tmpdir(), 'broken-disk-'));
const shim = path.join(shims, 'shim.so');
await writeFile(path.join(shims, 'shim.c'), SHIM);
const isLinux = process.platform === 'linux';
const compiled =
  isLinux &&
  (await run('cc', ['-shared', '-fPIC', '-o', shim, path.join(shims, 'shim.c')]).then(
    () => true,
    () => false,
  ));
if (!compiled) process.stderr.write('no test of a broken disk: this machine has no C compiler\n');

(compiled ? describe : describe.skip)('a server whose disk fails with EIO', () => {
  let folder: string;
  let server: ServerProcess;
  const ledger = new Ledger();

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    const env = { LD_PRELOAD: shim, BROKEN_WHILE: path.join(folder, 'broken') };
    server = await ServerProcess.start({ cwd: folder, env });
  });
  afterAll(async () => {
    ledger.close();
    await server.end('SIGKILL');
    await rm(folder, { recursive: true, force: true });
    await rm(shims, { recursive: true, force: true });
  });

  const breakDisk = () => writeFile(path.join(folder, 'broken'), '');
  const mendDisk = () => rm(path.join(folder, 'broken'));
  const create = async (): Promise<ConversationClient> => {
    const made = await ledger.create(server, scriptedRequest(path.join(folder, 'work')));
    if (!made) throw new Error('no conversation was made');
    return made;
  };

  it('answers 503, keeps everything that it acknowledged and nothing that it refused', async () => {
    const conversations = await Promise.all([create(), create(), create()]);
    for (let round = 0; round < 3; round += 1) {
      for (const [index, conversation] of conversations.entries()) {
        ledger.listen(conversation);
        expect(await ledger.say(conversation, `SAY: ${round}-${index} before`, index === 0)).toBe(true);
      }
      await breakDisk();
      for (const [index, conversation] of conversations.entries()) {
        expect(await ledger.say(conversation, `SAY: ${round}-${index} broken`, false)).toBe(false);
        const answer = await server.request('PATCH', conversation.route, { title: 'no' });
        expect(answer).toMatchObject({
          status: 503,
          body: { detail: expect.stringContaining('EIO') as unknown },
        });
        expect((await conversation.events()).length).toBeGreaterThan(0);
      }
      expect(await ledger.create(server, scriptedRequest(path.join(folder, 'work')))).toBeUndefined();
      expect((await server.request('GET', '/ready')).status).toBe(200);
      await mendDisk();
      await ledger.check(server);
    }
    await server.end('SIGKILL');
    server = await ServerProcess.start({ cwd: folder });
    await ledger.check(server);
  });
});
