import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import {
  refTo,
  toPlain,
  documentSchemas,
  objectSchema,
  Operation,
  RequestValidationError,
  valueError,
} from '../../http/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { metaProfileProblem, MetaProfileDto } from './meta-profile.dto.js';
import { NAME_IN_PATH, ProfileNamePipe, withoutExtension } from '../dto/profile-name.js';
import type { Mutation } from '../llm-profiles/llm-profiles.controller.js';
import { type MetaProfileInfo, MetaProfiles } from './meta-profiles.js';
import { isOpenHands, withMetaProfile } from '../user-settings/settings.service.js';
import { SettingsStore } from '../user-settings/settings-store.js';
import { Documents } from '../../storage/index.js';

const tag = 'Profiles';
const path = NAME_IN_PATH;
const done = {
  description: 'The name of the meta-profile, and what was done.',
  schema: 'MetaProfileMutationResponse',
};

/** Meta-profiles: rules for choosing a model for a task. */
@Controller('api/meta-profiles')
export class MetaProfilesController {
  constructor(
    private readonly documents: Documents,
    private readonly profiles: MetaProfiles,
    private readonly settings: SettingsStore,
  ) {}

  @Get()
  @Scope('read')
  @Operation({
    tag,
    summary: 'List meta-profiles',
    description: 'Includes the name of the one that the settings use.',
    answers: {
      200: { description: 'The meta-profiles, sorted by name.', schema: 'MetaProfileListResponse' },
    },
  })
  async list(): Promise<{ meta_profiles: MetaProfileInfo[]; active_meta_profile: string | null }> {
    const { active_meta_profile } = await this.settings.loadForReading();
    return { meta_profiles: await this.profiles.list(), active_meta_profile };
  }

  @Get(':name')
  @Scope('read')
  @Operation({
    tag,
    path,
    summary: 'Get a meta-profile',
    description: 'Returns the rules as they are stored.',
    answers: { 200: { description: 'The meta-profile.', schema: 'MetaProfileDetailResponse' } },
    errors: {
      404: 'There is no meta-profile with this name.',
      400: 'The name is invalid, or the stored meta-profile cannot be read.',
    },
  })
  async get(@Param('name', ProfileNamePipe) name: string): Promise<JsonObject> {
    return { name, config: await this.profiles.load(withoutExtension(name)) };
  }

  @Post(':name')
  @Scope('admin')
  @Operation({
    tag,
    path,
    summary: 'Store a meta-profile',
    description: 'Replaces a meta-profile of the same name.',
    body: {
      schema: MetaProfileDto,
      example: {
        classifier_model: 'demo',
        classes: [
          { description: 'Small changes', model: 'demo' },
          { description: 'Everything else', model: 'demo' },
        ],
      },
      after: ['LlmProfiles_save'],
    },
    answers: { 201: done },
    errors: { 409: 'The maximum number of meta-profiles is reached, or a stored file cannot be read.' },
  })
  async save(
    @Param('name', ProfileNamePipe) name: string,
    @Body() profile: MetaProfileDto,
  ): Promise<Mutation> {
    const problem = metaProfileProblem(profile);
    const body = asJsonObject(toPlain(profile));
    if (problem !== undefined) {
      throw new RequestValidationError([valueError(problem, ['body'])], { body: withoutDefaults(profile) });
    }
    await this.documents.change((writer) => this.profiles.save(writer, withoutExtension(name), body));
    return { name, message: `Meta-profile '${name}' saved` };
  }

  @Delete(':name')
  @Scope('admin')
  @Operation({
    tag,
    path,
    summary: 'Delete a meta-profile',
    description: 'Succeeds if it does not exist. If the settings use it, they use none afterwards.',
    answers: { 200: done },
    errors: { 409: 'A stored file cannot be read.' },
  })
  async remove(@Param('name', ProfileNamePipe) name: string): Promise<Mutation> {
    const plain = withoutExtension(name);
    await this.documents.change(async (writer) => {
      const { active_meta_profile } = await this.settings.loadForReading();
      if (active_meta_profile === plain) {
        await this.settings.save(writer, withMetaProfile(await this.settings.load(), null, null));
      }
      await this.profiles.remove(writer, plain);
    });
    return { name, message: `Meta-profile '${name}' deleted` };
  }

  @Post(':name/activate')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    path,
    summary: 'Activate a meta-profile',
    description: 'Copies the rules into the agent settings, which clients use for new conversations.',
    answers: {
      200: {
        description: 'The meta-profile, and whether it is used.',
        schema: 'ActivateMetaProfileResponse',
      },
    },
    errors: { 404: 'There is no meta-profile with this name.', 409: 'A stored file cannot be read.' },
  })
  async activate(@Param('name', ProfileNamePipe) name: string): Promise<Mutation & { applied: boolean }> {
    const plain = withoutExtension(name);
    const applied = await this.documents.change(async (writer) => {
      const config = await this.profiles.load(plain);
      const settings = await this.settings.load();
      if (!isOpenHands(settings)) return false;
      await this.settings.save(writer, withMetaProfile(settings, plain, config));
      return true;
    });
    const reason = 'the current agent settings cannot route between models';
    const message = `Meta-profile '${name}' ${applied ? 'activated' : `not activated: ${reason}`}`;
    return { name, message, applied };
  }
}

/** Approximates the request body: fields with default values were most likely not sent. */
function withoutDefaults(profile: MetaProfileDto): JsonObject {
  const defaults = new Map<string, unknown>(Object.entries(new MetaProfileDto()));
  return Object.fromEntries(
    Object.entries(asJsonObject(toPlain(profile))).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(defaults.get(name)),
    ),
  );
}

const text = { type: 'string' };
const textOrNull = { anyOf: [text, { type: 'null' }] };
documentSchemas(() =>
  Promise.resolve({
    MetaProfileInfo: objectSchema({
      name: [text, 'Name of the meta-profile.'],
      'classifier_model?': [textOrNull, 'LLM profile that decides; null if the file cannot be read.'],
      'num_classes?': [
        { type: 'integer', default: 0 },
        'Number of classes of tasks; 0 with a prompt template.',
      ],
    }),
    MetaProfileListResponse: objectSchema({
      meta_profiles: [
        { type: 'array', items: { $ref: '#/components/schemas/MetaProfileInfo' } },
        'The meta-profiles, sorted by name.',
      ],
      'active_meta_profile?': [textOrNull, 'Name of the one that the settings use; null: none.'],
    }),
    MetaProfileDetailResponse: objectSchema({
      name: [text, 'Name of the meta-profile.'],
      config: [{ $ref: refTo(MetaProfileDto) }, 'The rules of the meta-profile.'],
    }),
  }),
);
