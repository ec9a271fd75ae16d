import { Controller, Get, Post } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { Operation } from '../../http/index.js';
import { scriptsUnsupported } from '../automation-errors.js';

const tag = 'Automations';
const REFUSED = { 501: 'This server runs no scripts. The answer names the route that takes a prompt.' };
const NEVER = { description: 'Never answered by this server.' };

/** What the original does with Python scripts: this server says that it does not, and what to do instead. */
@Controller('api/automation/v1')
@Scope('write', { own: true })
export class ScriptsController {
  @Post()
  @Operation({
    tag,
    summary: 'Create an automation from a script (unsupported)',
    description: 'Is refused with a sentence that names the route for prompts.',
    answers: { 201: NEVER },
    errors: REFUSED,
  })
  create(): never {
    throw scriptsUnsupported();
  }

  @Get('uploads')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'List uploaded scripts',
    description: 'There are none.',
    answers: { 200: { description: 'An empty list.', schema: 'AutomationUploads' } },
  })
  uploads(): { uploads: never[]; total: 0 } {
    return { uploads: [], total: 0 };
  }

  @Post('uploads')
  @Operation({
    tag,
    summary: 'Upload a script (unsupported)',
    description: 'Is refused with a sentence that names the route for prompts. The body is not read.',
    answers: { 201: NEVER },
    errors: REFUSED,
  })
  upload(): never {
    throw scriptsUnsupported();
  }
}
