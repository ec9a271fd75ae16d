import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Injectable, Logger } from '@nestjs/common';
import { ContextLoader, publicFolder } from '../../agent/skills/index.js';
import { AppConfig } from '../../config/index.js';
import { makeFolder } from '../../files/index.js';
import { FETCH_TIMEOUT_MS, fetchGit } from '../../git/index.js';
import { fromGit } from '../installation/extension-errors.js';
import { Staging } from '../installation/staging.js';
import { maskRemote, withoutTrailingSlashes } from '../../text/index.js';

const REPOSITORY = 'OpenHands/extensions';

/** The repository of public skills and plugins, in the place where the original keeps it. */
@Injectable()
export class PublicRepository {
  private readonly logger = new Logger('Skills');
  private going: Promise<void> | undefined;

  constructor(
    private readonly context: ContextLoader,
    private readonly staging: Staging,
    private readonly config: AppConfig,
  ) {}

  /** Absolute path; there once it was fetched. */
  get folder(): string {
    return publicFolder(this.context.user);
  }

  /**
   * Fetches it. This is the only thing that does; whoever asks meanwhile waits for the same.
   * @throws SourceUnavailableError
   */
  sync(): Promise<void> {
    this.going ??= this.fetch().finally(() => (this.going = undefined));
    return this.going;
  }

  private async fetch(): Promise<void> {
    const parent = path.dirname(this.folder);
    await makeFolder(parent, 0o700);
    const fresh = await this.staging.unused();
    const address = `${withoutTrailingSlashes(this.config.github_url)}/${REPOSITORY}.git`;
    const ref = process.env['EXTENSIONS_REF'] ?? 'main';
    const options = { cwd: parent, deadline: performance.now() + FETCH_TIMEOUT_MS, withUserConfig: true };
    const clone = [
      'clone',
      '-q',
      '--no-checkout',
      '--depth',
      '1',
      '--no-tags',
      '--template=',
      `--branch=${ref}`,
    ];
    try {
      await fromGit(fetchGit([...clone, '--', address, fresh], options));
      // Which filters run is for the attributes of the repository to say: nobody's are known here.
      const offline = { ...options, cwd: fresh, withUserConfig: false };
      await fromGit(fetchGit(['reset', '-q', '--hard'], offline));
      const old = await this.staging.unused();
      const isThere = await rename(this.folder, old).then(
        () => true,
        () => false,
      );
      await rename(fresh, this.folder);
      if (isThere) await rm(old, { recursive: true, force: true });
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
    this.logger.log(`public skills were fetched from ${maskRemote(address)}`);
  }
}
