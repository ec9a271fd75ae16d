import path from 'node:path';
import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { ownerFilter } from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import { makeFolder } from '../../files/index.js';
import { cloneRepository, FETCH_TIMEOUT_MS } from '../../git/index.js';
import { withoutTrailingSlashes } from '../../text/index.js';
import { isShortAddress } from '../definitions/automation-values.js';
import type { Automation, RepositorySource } from '../definitions/automation.js';
import { type AutomationRun, conversationIdOf } from './automation-run.js';
import { LaunchError } from './run-launcher.js';
import { failure } from './run-outcome.js';

const FOLDER = 'automations';
const HOSTS: Readonly<Record<string, string>> = {
  gitlab: 'https://gitlab.com',
  bitbucket: 'https://bitbucket.org',
  azure_devops: 'https://dev.azure.com',
};

/** The folders that runs work in. */
@Injectable()
export class RunWorkspaces {
  constructor(private readonly config: AppConfig) {}

  /**
   * The folder of a run: that of the automation, or one of its own with the repositories in it.
   * @returns relative for a key that has a folder of its own, which it is in
   * @throws LaunchError if a repository cannot be cloned
   */
  async prepare(
    automation: Automation,
    run: AutomationRun,
    principal: Principal,
    signal: AbortSignal,
  ): Promise<string> {
    const { repos, workspace, id } = automation;
    if (workspace !== null) return workspace;
    const own = path.join(FOLDER, id, conversationIdOf(run));
    if (ownerFilter(principal) !== undefined) return own;
    const folder = path.resolve(this.config.paths.workspace, own);
    if (repos.length === 0) return folder;
    await makeFolder(folder, 0o755);
    const deadline = performance.now() + FETCH_TIMEOUT_MS;
    for (const repository of repos) {
      signal.throwIfAborted();
      const address = this.addressOf(repository);
      const target = path.join(folder, nameOf(repository));
      try {
        await cloneRepository({ address, ref: repository.ref, target, deadline });
      } catch (error) {
        const reason = `The repository ${repository.url} could not be cloned: ${errorMessage(error)}`;
        throw new LaunchError(reason, failure('environment_unavailable', reason));
      }
    }
    return repos.length === 1 && repos[0] ? path.join(folder, nameOf(repos[0])) : folder;
  }

  private addressOf({ url, provider }: RepositorySource): string {
    if (!isShortAddress(url) || provider === null) return url;
    const host = provider === 'github' ? this.config.github_url : (HOSTS[provider] ?? '');
    return `${host}/${url}`;
  }
}

/** The folder of a repository: its name without anything that leads elsewhere. */
function nameOf({ url }: RepositorySource): string {
  const name = withoutTrailingSlashes(url).split(/[/:]/).at(-1) ?? '';
  const safe = name.replace(/\.git$/, '').replaceAll(/[^\w.-]/g, '-');
  return /^\.*$/.test(safe) ? 'repository' : safe;
}
