import {
  BadRequestException,
  Body,
  Controller,
  Get,
  HttpCode,
  HttpException,
  Inject,
  InternalServerErrorException,
  NotFoundException,
  Optional,
  Post,
  UnprocessableEntityException,
  UseGuards,
} from '@nestjs/common';
import { OpenRoute } from '../auth/index.js';
import { ConfigError } from '../config/index.js';
import { errorMessage } from '../errors/index.js';
import { objectSchema, Operation, RequestValidationError, valueError, type Location } from '../http/index.js';
import { AlreadyInitializedError, DeferredInit, ServerSetup, type InitStatus } from './deferred-init.js';
import { InitAuditGuard } from './init-audit.guard.js';
import { environmentProblems, InitRequestDto } from './init-request.dto.js';
import { InitKeyGuard } from './init-key.guard.js';

const NOT_DEFERRED = 'server is not running with deferred_init=True; the /api/init endpoint is not available';
const NOT_DEFERRED_CAUSE = 'The server was not started with `deferred_init`.';
const STATUS = objectSchema({
  state: [
    { type: 'string', enum: ['dormant', 'initializing', 'ready'] },
    '`dormant`: waits for the settings. `initializing`: an attempt is under way. `ready`: the server accepts work.',
  ],
  error: [{ type: ['string', 'null'] }, 'The error of the last failed attempt; null if none has failed.'],
});
const answers = { 200: { description: 'The state of the initialization.', schema: STATUS } };
const tag = 'Init';

/** Initializes a server that was started with `deferred_init`, once. */
@OpenRoute()
@Controller('api/init')
export class InitController {
  constructor(
    @Optional() @Inject(DeferredInit) private readonly init: DeferredInit | undefined,
    @Optional() @Inject(ServerSetup) private readonly server: ServerSetup | undefined,
  ) {}

  @Get()
  @Operation({
    tag,
    summary: 'Get the initialization state',
    description: 'Tells whether a server that was started with `deferred_init` still waits for its settings.',
    open: true,
    answers,
    errors: { 404: NOT_DEFERRED_CAUSE },
  })
  status(): InitStatus {
    return this.deferred().status;
  }

  @Post()
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Initialize the server',
    description:
      'Gives a server that was started with `deferred_init` its settings, once. Requires the secret key in `X-Init-API-Key` if the server has one.',
    open: true,
    body: {
      schema: InitRequestDto,
      example: { session_api_keys: ['choose-a-key'], max_concurrent_runs: 4, env: { LANG: 'C.UTF-8' } },
      needs: 'Needs a server that was started with `OH_DEFERRED_INIT=true`.',
    },
    answers,
    errors: {
      400: 'The server is initialized already, or another attempt is under way.',
      401: 'The server has a secret key, and `X-Init-API-Key` is missing or wrong.',
      404: NOT_DEFERRED_CAUSE,
    },
  })
  // Below `@Operation`, so that these guards run first and the key is checked before the body is read.
  @UseGuards(InitAuditGuard, InitKeyGuard)
  async start(@Body() request: InitRequestDto): Promise<InitStatus> {
    const init = this.deferred();
    const { env, ...settings } = request;
    try {
      await init.run(async () => {
        validate(request);
        await this.server?.setUp(settings, env ?? {});
      });
    } catch (error) {
      throw toHttpError(error, request);
    }
    return init.status;
  }

  private deferred(): DeferredInit {
    if (this.init === undefined) throw new NotFoundException(NOT_DEFERRED);
    return this.init;
  }
}

function validate(request: InitRequestDto): void {
  if (request.session_api_keys?.some((key) => key.trim() === ''))
    throw new UnprocessableEntityException('session_api_keys cannot contain empty keys');
  const problems = environmentProblems(request.env ?? {});
  if (problems.length > 0) throw new RequestValidationError(problems, { body: request });
}

/**
 * Converts configuration errors to validation errors; other errors say why the server could not be created.
 */
function toHttpError(error: unknown, body: InitRequestDto): Error {
  if (error instanceof HttpException || error instanceof RequestValidationError) return error;
  if (error instanceof AlreadyInitializedError) return new BadRequestException(error.message);
  if (!(error instanceof ConfigError)) return new InternalServerErrorException(errorMessage(error));
  const problems = error.problems.map(({ path, expected, found }) =>
    valueError(`expected ${expected}, got ${found}`, ['body', ...locationOf(path)]),
  );
  return new RequestValidationError(problems, { body });
}

/** Converts `webhooks[0].base_url` to the location of a validation error. */
function locationOf(path: string): Location {
  return path
    .split(/[.[\]]+/)
    .filter(Boolean)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
