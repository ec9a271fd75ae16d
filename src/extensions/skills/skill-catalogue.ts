import path from 'node:path';
import { Injectable, Logger } from '@nestjs/common';
import { ContextLoader, DEFAULT_MARKETPLACE, makeSkill, type Skill } from '../../agent/index.js';
import { AppConfig } from '../../config/index.js';
import { errorMessage } from '../../errors/index.js';
import { Staging } from '../installation/staging.js';
import { skillInfo, type SkillInfo } from './skill-info.js';
import type { OrgConfigDto, SandboxConfigDto, SkillsRequestDto } from './skills.dto.js';

/** Number of skills by source. */
interface SkillSources {
  sandbox: number;
  registered_marketplaces: number;
  sdk_base: number;
  org: number;
  project: number;
}

/** The available skills. */
export interface SkillList {
  skills: SkillInfo[];
  sources: Record<keyof SkillSources, number>;
}

/** Lists skills of all sources. Nothing is cached. Never fails: broken files are skipped. */
@Injectable()
export class SkillCatalogue {
  private readonly logger = new Logger('Skills');

  constructor(
    private readonly context: ContextLoader,
    private readonly staging: Staging,
    private readonly config: AppConfig,
  ) {}

  /** Of skills with the same name the last one replaces the first. */
  async load(request: SkillsRequestDto): Promise<SkillList> {
    const warn = this.context.warn('skills');
    const { load_public, load_user, load_org, load_project, project_dir } = request;
    const [marketplaces, open, user, org, project] = await Promise.all([
      this.context.marketplaceSkills(request.registered_marketplaces, 'skills'),
      load_public ? this.context.publicSkills(request.marketplace_path, warn) : [],
      load_user ? this.context.userSkills(warn) : [],
      load_org ? this.orgSkills(request.org_configs ?? []) : [],
      load_project && project_dir ? this.context.projectSkills(this.absolute(project_dir), warn) : [],
    ]);
    const sandbox = sandboxSkills(request.sandbox_config);
    const base = lastByName(open, user);
    return {
      skills: lastByName(sandbox, marketplaces, base, org, project).map(skillInfo),
      sources: {
        sandbox: sandbox.length,
        registered_marketplaces: marketplaces.length,
        sdk_base: base.length,
        org: org.length,
        project: project.length,
      },
    };
  }

  /** Public skills and those of the user, with their origin. */
  async all(): Promise<(SkillInfo & { origin: 'public' | 'user' })[]> {
    const warn = this.context.warn('skills');
    const [open, user] = await Promise.all([
      this.context.publicSkills(DEFAULT_MARKETPLACE, warn),
      this.context.userSkills(warn),
    ]);
    const own = new Set<Skill>(user);
    return lastByName(open, user).map((skill) => ({
      ...skillInfo(skill),
      origin: own.has(skill) ? ('user' as const) : ('public' as const),
    }));
  }

  private async orgSkills(configs: readonly OrgConfigDto[]): Promise<Skill[]> {
    const warn = this.context.warn('skills');
    const lists = await Promise.all(
      configs.map(({ org_repo_url: source, org_name }) =>
        this.staging
          .open({ source, ref: null, repo_path: null }, ({ folder }) =>
            this.context.sharedSkills(folder, warn),
          )
          .catch((error: unknown) => {
            this.logger.warn(`skills of ${org_name.slice(0, 100)} are unavailable: ${errorMessage(error)}`);
            return [];
          }),
      ),
    );
    return lastByName(...lists);
  }

  private absolute(folder: string): string {
    return path.resolve(this.config.base_dir, folder);
  }
}

function lastByName(...lists: readonly (readonly Skill[])[]): Skill[] {
  return [...new Map(lists.flat().map((skill) => [skill.name, skill])).values()];
}

/** A skill with the addresses that the user can open; none without any. */
function sandboxSkills(config: SandboxConfigDto | null): Skill[] {
  const workers = config?.exposed_urls.filter(({ name }) => name.startsWith('WORKER_')) ?? [];
  if (workers.length === 0) return [];
  const lines = workers.map(({ url, port }) => `* ${url} (port ${port})`);
  const content =
    'The user can open these addresses in a browser. What listens on the port of one is what is seen there:\n' +
    lines.join('\n');
  return [makeSkill({ name: 'work_hosts', content })];
}
