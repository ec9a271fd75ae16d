import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { preparedPostgres, TEMPORARY, USER } from './binaries.mjs';
import { freePort } from './free-port.mjs';

const execute = promisify(execFile);
const REMOVE = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };

/** Signals of PostgreSQL: `fast` ends sessions, `immediate` is a crash that recovers at the next start. */
const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT', kill: 'SIGKILL' };

/**
 * Reads process ids from stdin. When the writer is gone, however it ended, the last process is ended too and
 * the folder ($0) is removed.
 */
const GUARD = `trap '' INT TERM HUP
while read -r line; do pid=$line; done
if [ "\${pid:-0}" != 0 ]; then
  kill -QUIT "$pid" 2>/dev/null
  while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
fi
rm -rf "$0"`;

/** Settings for tests that kill PostgreSQL but never the machine. */
const UNSAFE = { fsync: 'off', full_page_writes: 'off' };
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '300',
  shared_buffers: '64MB',
  log_statement_sample_rate: '0',
  wal_level: 'replica',
  max_wal_senders: '4',
  wal_retrieve_retry_interval: '100ms',
};

/** A PostgreSQL server of its own, on a free port that it keeps when it is started again. */
export class PostgresInstance {
  #folder;
  #native;
  #guard;
  #child;
  #port = 0;
  #output = '';

  constructor(folder, native) {
    this.#folder = folder;
    this.#native = native;
    // In a session of its own: Ctrl-C must not end it before PostgreSQL.
    this.#guard = spawn('sh', ['-c', GUARD, folder], {
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      ...USER,
    });
    this.#guard.unref();
    this.#guard.stdin.unref();
  }

  /** Starts a new one. The options are those of `PostgresOptions`. */
  static async start({ durable = false, settings = {}, files = {}, from, standbyOf } = {}) {
    const prepared = await preparedPostgres();
    const folder = await mkdtemp(path.join(TEMPORARY, 'postgres-'));
    if (USER.uid !== undefined) await chown(folder, USER.uid, USER.gid);
    await chmod(folder, 0o700);
    const instance = new PostgresInstance(folder, path.join(prepared, 'native'));
    try {
      await instance.#fill(from?.data ?? path.join(prepared, 'template'));
      await instance.configure({ ...SETTINGS, ...(durable ? {} : UNSAFE), ...settings });
      await instance.#write(files);
      if (standbyOf !== undefined) await instance.#follow(standbyOf);
      await instance.#startOnFreePort();
    } catch (error) {
      await instance.stop();
      throw error;
    }
    return instance;
  }

  get port() {
    return this.#port;
  }

  /** The address of a database on it. */
  url(database = 'postgres') {
    return `postgres://postgres@127.0.0.1:${this.#port}/${database}`;
  }

  /** The folder of its data. */
  get data() {
    return path.join(this.#folder, 'data');
  }

  /** What it has written to its log. */
  get log() {
    return this.#output;
  }

  get isRunning() {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Adds settings, which apply from its next start on. */
  async configure(settings) {
    const lines = Object.entries(settings).map(
      ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`,
    );
    await appendFile(path.join(this.data, 'postgresql.conf'), lines.join(''));
  }

  /** Starts it again, on the same port, and waits until it accepts connections. */
  async startAgain() {
    if (this.isRunning) return;
    const from = this.#output.length;
    const program = path.join(this.#native, 'bin/postgres');
    const child = spawn(program, ['-D', this.data, '-p', String(this.#port)], {
      cwd: this.#folder,
      env: { LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
      ...USER,
    });
    this.#child = child;
    child.stderr.on('data', (chunk) => (this.#output += chunk.toString()));
    await once(child, 'spawn');
    this.#guard.stdin.write(`${child.pid}\n`);
    const ended = once(child, 'exit');
    ended.catch(() => undefined);
    const isReady = async () => {
      while (!this.#output.slice(from).includes('ready to accept')) await once(child.stderr, 'data');
      return true;
    };
    const ready = await Promise.race([isReady().catch(() => false), ended.then(() => false)]);
    if (ready) return;
    await this.#ended(child);
    throw new Error(`PostgreSQL ended: ${this.#output.slice(from)}`);
  }

  /** Ends it. @param mode `fast`, `immediate` or `kill` */
  async end(mode = 'fast') {
    const child = this.#child;
    if (!this.isRunning) return;
    // The pipe closes when the last of its processes has ended.
    const closed = once(child, 'close');
    process.kill(child.pid, SIGNALS[mode]);
    await closed;
    await this.#ended(child);
  }

  /** Ends it and starts it again. */
  async restart(mode = 'immediate') {
    await this.end(mode);
    await this.startAgain();
  }

  /** Makes a standby the primary. */
  async promote() {
    const { stdout } = await execute(
      path.join(this.#native, 'bin/pg_ctl'),
      ['promote', '-w', '-D', this.data],
      {
        cwd: this.#folder,
        ...USER,
      },
    );
    return stdout;
  }

  /** Ends it and removes its folder. */
  async stop() {
    await this.end('immediate');
    this.#guard.stdin.destroy();
    await rm(this.#folder, REMOVE);
  }

  async #fill(from) {
    await execute('cp', ['-R', from, this.data], { cwd: this.#folder, ...USER });
    await rm(path.join(this.data, 'postmaster.pid'), { force: true });
  }

  async #write(files) {
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(this.data, name);
      await writeFile(file, content, { mode: 0o600 });
      if (USER.uid !== undefined) await chown(file, USER.uid, USER.gid);
    }
  }

  async #follow(primary) {
    const { hostname, port } = new URL(primary);
    await this.configure({ primary_conninfo: `host=${hostname} port=${port} user=postgres` });
    await writeFile(path.join(this.data, 'standby.signal'), '');
  }

  async #startOnFreePort() {
    for (let attempt = 1; ; attempt += 1) {
      this.#port = await freePort();
      try {
        return await this.startAgain();
      } catch (error) {
        if (attempt === 5 || !String(error).includes('could not bind')) throw error;
      }
    }
  }

  async #ended(child) {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    if (this.#guard.stdin.writable) this.#guard.stdin.write('0\n');
  }
}
