import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { OpenRoute, Scope } from '../../auth/index.js';
import { documentSchemas, Operation } from '../../http/index.js';
import { API_VERSION, SERVER_VERSION } from '../../server/index.js';
import { ConsentDto } from './automation.dto.js';

documentSchemas(async () => (await import('./automation-schemas.js')).automationSchemas());

const tag = 'Automations';

/** What clients ask before they show automations. */
@Controller('api/automation')
export class AutomationServiceController {
  @Get('health')
  @OpenRoute()
  @Operation({
    tag,
    summary: 'Check whether automations are served',
    description: 'The web UI shows its pages about automations if this answers `ok`.',
    answers: { 200: { description: 'Automations are served.', schema: 'AutomationHealth' } },
    open: true,
  })
  health(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  @OpenRoute()
  @Operation({
    tag,
    summary: 'Check whether automations are served, for probes',
    description: 'As `health`. Whether the server as a whole accepts work is the answer of `/ready`.',
    answers: { 200: { description: 'Automations are served.', schema: 'AutomationHealth' } },
    open: true,
  })
  ready(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('sdk-version')
  @OpenRoute()
  @Operation({
    tag,
    summary: 'Get the version of the SDK',
    description: 'The one that this server corresponds to.',
    answers: { 200: { description: 'The version.', schema: 'AutomationSdkVersion' } },
    open: true,
  })
  sdkVersion(): { version: string } {
    return { version: API_VERSION };
  }

  @Get('server_info')
  @OpenRoute()
  @Operation({
    tag,
    summary: 'Describe the service of automations',
    description: 'It is a part of this server.',
    answers: { 200: { description: 'The versions.', schema: 'AutomationServerInfo' } },
    open: true,
  })
  serverInfo(): { package_version: string; sdk_version: string } {
    return { package_version: SERVER_VERSION, sdk_version: API_VERSION };
  }

  @Post('v1/telemetry/consent')
  @HttpCode(200)
  @Scope('write', { own: true })
  @Operation({
    tag,
    summary: 'Take note of a consent to usage reports',
    description: 'Automations send no usage reports: the answer repeats the request, and nothing is stored.',
    body: { schema: ConsentDto, example: { consent_granted: false } },
    answers: { 200: { description: 'As it was sent.', schema: 'AutomationConsent' } },
  })
  consent(@Body() { consent_granted }: ConsentDto): { consent_granted: boolean } {
    return { consent_granted };
  }
}
