import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Podman and buildah with images, containers and volumes of their own below a folder. */
export class Podman {
  #environment;

  /**
   * @param {string} folder
   * @param {AbortSignal} signal ends the running command
   */
  constructor(folder, signal) {
    this.folder = folder;
    this.signal = signal;
    this.#environment = {
      ...process.env,
      CONTAINERS_STORAGE_CONF: path.join(folder, 'storage.conf'),
      CONTAINERS_CONF_OVERRIDE: path.join(folder, 'containers.conf'),
      PODMAN_IGNORE_CGROUPSV1_WARNING: '1',
    };
  }

  async prepare() {
    const { folder } = this;
    const storage = ['driver = "overlay"', `graphroot = "${folder}/storage"`, `runroot = "${folder}/run"`];
    await writeFile(path.join(folder, 'storage.conf'), ['[storage]', ...storage, ''].join('\n'));
    const engine = ['runtime = "runc"', 'events_logger = "file"', 'cgroup_manager = "cgroupfs"'];
    const network = [`network_config_dir = "${folder}/networks"`];
    const sections = ['[engine]', ...engine, '[network]', ...network, ''];
    await writeFile(path.join(folder, 'containers.conf'), sections.join('\n'));
    await mkdir(path.join(folder, 'work'));
  }

  /**
   * Runs a command and waits for its end.
   * @param {string} command
   * @param {string[]} args
   * @param {NodeJS.ProcessEnv} variables
   * @returns {Promise<string>} its output, without the last line break
   */
  run(command, args, variables = {}) {
    return new Promise((resolve, reject) => {
      const env = { ...this.#environment, ...variables };
      const child = spawn(command, args, { env, signal: this.signal, stdio: ['ignore', 'pipe', 'pipe'] });
      const output = [];
      const all = [];
      child.stdout.on('data', (chunk) => void (output.push(chunk), all.push(chunk)));
      child.stderr.on('data', (chunk) => all.push(chunk));
      child.once('error', reject);
      child.once('close', (code) => {
        if (code === 0) resolve(Buffer.concat(output).toString().trimEnd());
        else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${tail(all)}`));
      });
    });
  }

  /**
   * Starts a command that goes on until it is ended.
   * @param {string} command
   * @param {string[]} args
   */
  start(command, args) {
    return spawn(command, args, { env: this.#environment, stdio: 'ignore' });
  }

  podman(...args) {
    return this.run('podman', args);
  }

  /** Ends and removes all containers, then the folder with all images, volumes and networks. */
  async clean() {
    this.signal = undefined;
    const warn = (error) => console.warn(`cleaning up: ${error.message}`);
    await this.podman('rm', '--all', '--force', '--time', '0', '--volumes').catch(warn);
    await this.run('buildah', ['rm', '--all']).catch(warn);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The last lines of an output. */
function tail(chunks) {
  return Buffer.concat(chunks).toString().split('\n').slice(-40).join('\n');
}
