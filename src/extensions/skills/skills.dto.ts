import { model, Field, anyObject, flag, integer, listOf, nullable, text } from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';

/** An address that the user can open. */
class ExposedUrlDto {
  @Field(text())
  name!: string;

  @Field(text())
  url!: string;

  @Field(integer())
  port!: number;
}

/** Addresses of the sandbox. */
export class SandboxConfigDto {
  @Field(
    listOf(model(ExposedUrlDto), { max: 1000 }),
    'Names that start with `WORKER_` are for applications of the agent.',
  )
  exposed_urls: ExposedUrlDto[] = [];
}

/** A repository with skills of an organisation. */
export class OrgConfigDto {
  @Field(text(), 'The current project: `owner/repository`.')
  repository!: string;

  @Field(text())
  provider!: string;

  @Field(text(), 'The URL that git fetches.')
  org_repo_url!: string;

  @Field(text())
  org_name!: string;
}

/** Selects the skills to list. */
export class SkillsRequestDto {
  @Field(flag(), 'Include public skills as last fetched by `sync`.')
  load_public: boolean = true;

  @Field(flag(), 'Include the skills of the user and installed ones.')
  load_user: boolean = true;

  @Field(flag(), 'Include the skills of `project_dir`.')
  load_project: boolean = true;

  @Field(flag(), 'Include the skills of `org_configs`, which are fetched.')
  load_org: boolean = true;

  @Field(nullable(text()), 'The file of the public repository that selects its skills; null for all.')
  marketplace_path: string | null = 'marketplaces/default.json';

  @Field(
    listOf(anyObject(), { max: 100 }),
    'Marketplaces: the skills of automatically loaded plugins are included.',
  )
  registered_marketplaces: JsonObject[] = [];

  @Field(nullable(text()))
  project_dir: string | null = null;

  @Field(nullable(listOf(model(OrgConfigDto), { max: 20 })))
  org_configs: OrgConfigDto[] | null = null;

  @Field(nullable(model(SandboxConfigDto)))
  sandbox_config: SandboxConfigDto | null = null;
}
