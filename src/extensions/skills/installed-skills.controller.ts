import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { Operation } from '../../http/index.js';
import { withErrorPrefixes } from '../installation/installation-errors.js';
import {
  InstallSkillRequestDto,
  installedInfo,
  nameField,
  SKILL_NAME,
  UpdateSkillStateRequestDto,
  type InstalledInfo,
} from '../installation/installation.dto.js';
import { Installations } from '../installation/installations.js';
import { ExtensionNamePipe } from '../installation/name.pipe.js';

const tag = 'Skills';
const path = {
  skill_name: { ...nameField(SKILL_NAME).schema(), description: 'Name of the installed skill.' },
};
const NAME = 'skill_name';
const name = new ExtensionNamePipe(NAME, SKILL_NAME);
const ERROR_PREFIXES = {
  unavailable: 'Failed to fetch skill source. Check that the source is valid.',
  invalid: 'Invalid skill. Ensure the source contains a valid SKILL.md.',
};

/** Installed skills. */
@Controller('api/skills')
export class InstalledSkillsController {
  constructor(private readonly installations: Installations) {}

  @Post('install')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Install a skill',
    description: 'The skill is copied without links out of its source. Repositories are fetched with git.',
    body: {
      schema: InstallSkillRequestDto,
      example: { source: './workspace/examples/greeting' },
      after: ['Bash_execute#skill'],
    },
    answers: { 200: { description: 'The installed skill.', schema: 'InstalledSkillResponse' } },
    errors: {
      400: 'The source cannot be fetched.',
      409: 'A skill with this name is installed, and `force` is not set.',
      422: 'The source has no valid `SKILL.md`.',
    },
  })
  async install(@Body() request: InstallSkillRequestDto): Promise<InstalledInfo> {
    return installedInfo(await withErrorPrefixes(ERROR_PREFIXES, this.installations.skills.install(request)));
  }

  @Get('installed')
  @Scope('read')
  @Operation({
    tag,
    summary: 'List installed skills',
    description: 'Lists them in the order of their installation, disabled ones included.',
    answers: { 200: { description: 'The installed skills.', schema: 'InstalledSkillsListResponse' } },
  })
  async list(): Promise<{ skills: InstalledInfo[] }> {
    const skills = await withErrorPrefixes(ERROR_PREFIXES, this.installations.skills.list());
    return { skills: skills.map(installedInfo) };
  }

  @Get('installed/:skill_name')
  @Scope('read')
  @Operation({
    tag,
    summary: 'Get an installed skill',
    description: 'Tells what is installed under this name and where it came from.',
    path,
    answers: { 200: { description: 'The installed skill.', schema: 'InstalledSkillResponse' } },
    errors: { 404: 'No skill with this name is installed.' },
  })
  async get(@Param(NAME, name) skill: string): Promise<InstalledInfo> {
    return installedInfo(await withErrorPrefixes(ERROR_PREFIXES, this.installations.skills.get(skill)));
  }

  @Patch('installed/:skill_name')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Enable or disable a skill',
    description: 'Applies to new conversations.',
    path,
    body: {
      schema: UpdateSkillStateRequestDto,
      example: { enabled: false },
      after: ['Bash_execute#skill', 'InstalledSkills_install'],
    },
    answers: { 200: { description: 'The new state of the skill.', schema: 'UpdateSkillStateResponse' } },
    errors: { 404: 'No skill with this name is installed.' },
  })
  async update(
    @Param(NAME, name) skill: string,
    @Body() { enabled }: UpdateSkillStateRequestDto,
  ): Promise<{ name: string; enabled: boolean }> {
    await withErrorPrefixes(ERROR_PREFIXES, this.installations.skills.setEnabled(skill, enabled));
    return { name: skill, enabled };
  }

  @Delete('installed/:skill_name')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Remove an installed skill',
    description: 'Removes the installed copy; new conversations do not load it.',
    path,
    answers: { 200: { description: 'The skill was removed.', schema: 'UninstallSkillResponse' } },
    errors: { 404: 'No skill with this name is installed.' },
  })
  async remove(@Param(NAME, name) skill: string): Promise<{ message: string }> {
    await withErrorPrefixes(ERROR_PREFIXES, this.installations.skills.remove(skill));
    return { message: `Skill '${skill}' uninstalled` };
  }

  @Post('installed/:skill_name/refresh')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Update an installed skill',
    description: 'Fetches it again from its source. On failure the installed version is kept.',
    path,
    answers: { 200: { description: 'The updated skill.', schema: 'UpdateSkillResponse' } },
    errors: { 400: 'The source cannot be fetched any more.', 404: 'No skill with this name is installed.' },
  })
  async refresh(@Param(NAME, name) called: string): Promise<{ message: string; skill: InstalledInfo }> {
    const skill = await withErrorPrefixes(ERROR_PREFIXES, this.installations.skills.refresh(called));
    return { message: `Skill '${called}' updated`, skill: installedInfo(skill) };
  }
}
