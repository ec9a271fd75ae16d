import { model, Field, anyObject, flag, integer, listOf, nullable, text } from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';

/** An address that the user can open. */
class ExposedUrlDto {
  @Field(text(), 'Name of the address; `WORKER_...` for applications of the agent.')
  name!: string;

  @Field(text(), 'The address, as the user opens it.')
  url!: string;

  @Field(integer(), 'Port inside the sandbox that the address leads to.')
  port!: number;
}

/** Addresses of the sandbox. */
export class SandboxConfigDto {
  @Field(
    listOf(model(ExposedUrlDto), { max: 1000 }),
    'Addresses that the agent is told as a skill. Names that start with `WORKER_` are for applications of ' +
      'the agent.',
  )
  exposed_urls: ExposedUrlDto[] = [];
}

/** A repository with skills of an organisation. */
export class OrgConfigDto {
  @Field(text(), 'The current project as `owner/repository`.')
  repository!: string;

  @Field(text(), 'The service that hosts the repositories, such as `github`.')
  provider!: string;

  @Field(text(), 'URL of the repository with the skills, which git fetches.')
  org_repo_url!: string;

  @Field(text(), 'Name of the organisation that the repository belongs to.')
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

  @Field(nullable(text()), 'File in the public repository that selects its skills; null: all of them.')
  marketplace_path: string | null = 'marketplaces/default.json';

  @Field(
    listOf(anyObject(), { max: 100 }),
    'Marketplaces, each with `name` and `source`; the skills of automatically loaded plugins are included.',
  )
  registered_marketplaces: JsonObject[] = [];

  @Field(nullable(text()), 'Folder of the project; null: none.')
  project_dir: string | null = null;

  @Field(
    nullable(listOf(model(OrgConfigDto), { max: 20 })),
    'Repositories with skills of organisations; null: none.',
  )
  org_configs: OrgConfigDto[] | null = null;

  @Field(
    nullable(model(SandboxConfigDto)),
    'Addresses of the sandbox that the agent is told as a skill; null: none.',
  )
  sandbox_config: SandboxConfigDto | null = null;
}
