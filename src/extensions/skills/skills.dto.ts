import { model } from '../../http/validation/dto.js';
import { Field } from '../../http/validation/field.js';
import { anyObject, flag, integer, listOf, nullable, text } from '../../http/validation/field-type.js';
import type { JsonObject } from '../../json/index.js';

/** An address of the machine that the user can open. */
export class ExposedUrlDto {
  @Field(text())
  name!: string;

  @Field(text())
  url!: string;

  @Field(integer())
  port!: number;
}

/** What the sandbox shows to the user. */
export class SandboxConfigDto {
  @Field(
    listOf(model(ExposedUrlDto), { max: 1000 }),
    'Those called `WORKER_...` are for applications of the agent.',
  )
  exposed_urls: ExposedUrlDto[] = [];
}

/** A repository with skills for all projects of an organisation. */
export class OrgConfigDto {
  @Field(text(), 'The project that is worked on: `owner/repository`.')
  repository!: string;

  @Field(text())
  provider!: string;

  @Field(text(), 'What is fetched, by git.')
  org_repo_url!: string;

  @Field(text())
  org_name!: string;
}

/** Which skills to look for. */
export class SkillsRequestDto {
  @Field(
    flag(),
    'Those of the public repository as it was last fetched by `sync`; nothing is fetched for this.',
  )
  load_public: boolean = true;

  @Field(flag(), 'Those that the person keeps for all projects, and installed ones.')
  load_user: boolean = true;

  @Field(flag(), 'Those of `project_dir`.')
  load_project: boolean = true;

  @Field(flag(), 'Those of `org_configs`, which are fetched.')
  load_org: boolean = true;

  @Field(nullable(text()), 'Which public skills: a file of their repository; null: all of them.')
  marketplace_path: string | null = 'marketplaces/default.json';

  @Field(
    listOf(anyObject(), { max: 100 }),
    'Marketplaces; skills of the plugins that they load by themselves count.',
  )
  registered_marketplaces: JsonObject[] = [];

  @Field(nullable(text()))
  project_dir: string | null = null;

  @Field(nullable(listOf(model(OrgConfigDto), { max: 20 })))
  org_configs: OrgConfigDto[] | null = null;

  @Field(nullable(model(SandboxConfigDto)))
  sandbox_config: SandboxConfigDto | null = null;
}
