import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Injectable, Logger } from '@nestjs/common';
import { ContextLoader, publicSkillsFolder } from '../../agent/index.js';
import { AppConfig } from '../../config/index.js';
import { makeFolder } from '../../files/index.js';
import { FETCH_TIMEOUT_MS, fetchGit } from '../../git/index.js';
import { mapGitErrors } from '../installation/extension-errors.js';
import { Staging } from '../installation/staging.js';
import { maskRemote, withoutTrailingSlashes } from '../../text/index.js';

const REPOSITORY = 'OpenHands/extensions';

/** The repository of public skills and plugins, in the original's folder. */
@Injectable()
export class PublicRepository {
  private readonly logger = new Logger('Skills');
  private syncing: Promise<void> | undefined;

  constructor(
    private readonly context: ContextLoader,
    private readonly staging: Staging,
    private readonly config: AppConfig,
  ) {}

  /** Absolute path; exists once it was fetched. */
  get folder(): string {
    return publicSkillsFolder(this.context.user);
  }

  /**
   * Fetches the repository. Concurrent calls share one fetch. Nothing else fetches it.
   * @throws SourceUnavailableError
   */
  sync(): Promise<void> {
    this.syncing ??= this.fetch().finally(() => (this.syncing = undefined));
    return this.syncing;
  }

  private async fetch(): Promise<void> {
    const parent = path.dirname(this.folder);
    await makeFolder(parent, 0o700);
    const fresh = await this.staging.newPath();
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
      await mapGitErrors(fetchGit([...clone, '--', address, fresh], options));
      // Check out without the user's configuration: the repository's attributes must not run the user's
      // filters.
      const offline = { ...options, cwd: fresh, withUserConfig: false };
      await mapGitErrors(fetchGit(['reset', '-q', '--hard'], offline));
      const old = await this.staging.newPath();
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
