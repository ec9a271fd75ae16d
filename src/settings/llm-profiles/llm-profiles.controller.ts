import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post } from '@nestjs/common';
import { CurrentPrincipal, type Principal, Scope, SESSION } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { Cipher } from '../../crypto/index.js';
import { toPlain, Operation } from '../../http/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { NAME_IN_PATH, ProfileNamePipe } from '../dto/profile-name.js';
import {
  RenameProfileRequestDto,
  SaveProfileRequestDto,
  ValidateProfileRequestDto,
} from './profile-requests.dto.js';
import { EXPOSE_HEADER, parseExposure } from '../dto/expose-secrets.js';
import type { ProfileInfo } from './llm-profiles.js';
import { LlmProfilesService } from './llm-profiles.service.js';
import type { ProfileCheck } from './profile-check.js';

/** The name of a changed entry, and a message about the change. */
export interface Mutation {
  name: string;
  message: string;
}

const tag = 'Profiles';
const path = NAME_IN_PATH;
const done = {
  description: 'The name of the profile, and what was done.',
  schema: 'ProfileMutationResponse',
};

/** LLM profiles: named models with their keys and options. */
@Controller('api/profiles')
export class LlmProfilesController {
  constructor(
    private readonly service: LlmProfilesService,
    private readonly cipher: Cipher,
    private readonly config: AppConfig,
  ) {}

  @Get()
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'List LLM profiles',
    description: 'Includes profiles without a key; secrets are left out.',
    answers: { 200: { description: 'The profiles, sorted by name.', schema: 'ProfileListResponse' } },
  })
  async list(
    @CurrentPrincipal() { reach }: Principal,
  ): Promise<{ profiles: ProfileInfo[]; active_profile: string | null }> {
    const { profiles, active_profile } = await this.service.list();
    if (reach === 'all') return { profiles, active_profile };
    const mayUse = (name: string | null): boolean =>
      name !== null && this.config.own_keys_llm_profiles.includes(name);
    return {
      profiles: profiles.filter(({ name }) => mayUse(name)),
      active_profile: mayUse(active_profile) ? active_profile : null,
    };
  }

  @Get(':name')
  @Scope('read')
  @Operation({
    tag,
    path,
    summary: 'Get an LLM profile',
    description: 'Secrets are masked unless the header asks for them.',
    headers: EXPOSE_HEADER,
    answers: { 200: { description: 'The profile.', schema: 'ProfileDetailResponse' } },
    errors: {
      404: 'There is no LLM profile with this name.',
      400: 'The name is invalid, or the stored profile cannot be read.',
    },
  })
  get(
    @Param('name', ProfileNamePipe) name: string,
    @CurrentPrincipal() principal: Principal,
    @Headers('x-expose-secrets') expose?: string,
  ): Promise<JsonObject> {
    return this.service.get(name, parseExposure(expose, this.cipher, principal));
  }

  @Post(':name')
  @Scope('admin')
  @Operation({
    tag,
    path,
    summary: 'Store an LLM profile',
    description:
      'Replaces a profile of the same name. A masked key keeps its stored value. So does a `fallback_strategy` ' +
      'that is null or missing, because answers do not show it; one with an empty list removes it.',
    body: { schema: SaveProfileRequestDto, example: { llm: { model: 'scripted/demo' } } },
    answers: { 201: done },
    errors: { 409: 'The maximum number of profiles is reached, or a stored file cannot be read.' },
  })
  async save(
    @Param('name', ProfileNamePipe) name: string,
    @Body() { llm, include_secrets }: SaveProfileRequestDto,
  ): Promise<Mutation> {
    await this.service.save(name, asJsonObject(toPlain(llm)), include_secrets);
    return { name, message: `Profile '${name}' saved` };
  }

  @Delete(':name')
  @Scope('admin')
  @Operation({
    tag,
    path,
    summary: 'Delete an LLM profile',
    description: 'Succeeds if it does not exist. Fails while an agent profile uses it.',
    answers: { 200: done },
    errors: { 409: 'An agent profile uses it, or a stored file cannot be read.' },
  })
  async remove(@Param('name', ProfileNamePipe) name: string): Promise<Mutation> {
    await this.service.remove(name);
    return { name, message: `Profile '${name}' deleted` };
  }

  @Post(':name/rename')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    path,
    summary: 'Rename an LLM profile',
    description: 'References to it are updated.',
    body: { schema: RenameProfileRequestDto, example: { new_name: 'renamed' }, after: ['LlmProfiles_save'] },
    answers: { 200: done },
    errors: {
      404: 'There is no LLM profile with this name.',
      409: 'There is a profile with the new name, or a stored file cannot be read.',
    },
  })
  async rename(
    @Param('name', ProfileNamePipe) name: string,
    @Body() { new_name }: RenameProfileRequestDto,
  ): Promise<Mutation> {
    const isNew = await this.service.rename(name, new_name);
    const message = isNew
      ? `Profile '${name}' renamed to '${new_name}'`
      : `Profile '${name}' unchanged (same name)`;
    return { name: new_name, message };
  }

  @Post(':name/activate')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    path,
    summary: 'Activate an LLM profile',
    description:
      'Copies the model of the profile into the settings, which clients use for new conversations.',
    answers: {
      200: { description: 'The active profile, and what was done.', schema: 'ActivateProfileResponse' },
    },
    errors: { 404: 'There is no LLM profile with this name.', 409: 'A stored file cannot be read.' },
  })
  async activate(@Param('name', ProfileNamePipe) name: string): Promise<Mutation & { llm_applied: boolean }> {
    const llm_applied = await this.service.activate(name);
    const message = llm_applied
      ? `Profile '${name}' activated and applied to current settings`
      : `Profile '${name}' activated`;
    return { name, message, llm_applied };
  }

  @Post(':name/validate')
  @Scope('write')
  @HttpCode(200)
  @Operation({
    tag,
    path,
    summary: 'Validate an LLM',
    description:
      'Makes one small call with the given model, of at most 15 seconds. The profile is not changed. Masked secrets ' +
      'are those of the stored profile. The call counts as usage (`profile-check`) and for budgets.',
    body: { schema: ValidateProfileRequestDto, example: { llm: { model: 'scripted/demo' } } },
    answers: {
      200: {
        description: 'Whether the model can be used, and if not, why.',
        schema: 'ValidateProfileResponse',
      },
    },
    errors: { 429: 'A budget is spent.' },
  })
  validate(
    @Param('name', ProfileNamePipe) name: string,
    @Body() { llm }: ValidateProfileRequestDto,
    @CurrentPrincipal() { id }: Principal,
  ): Promise<ProfileCheck> {
    return this.service.check(name, asJsonObject(toPlain(llm)), id === SESSION.id ? null : id);
  }
}
