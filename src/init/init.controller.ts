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
import { Operation, RequestValidationError, valueError, type Location } from '../http/index.js';
import { AlreadyInitializedError, DeferredInit, ServerSetup, type InitStatus } from './deferred-init.js';
import { environmentProblems, InitRequestDto } from './init-request.dto.js';
import { InitKeyGuard } from './init-key.guard.js';

const NOT_DEFERRED = 'server is not running with deferred_init=True; the /api/init endpoint is not available';
const STATUS = {
  type: 'object',
  properties: {
    state: { type: 'string', enum: ['dormant', 'initializing', 'ready'] },
    error: { type: ['string', 'null'], description: 'The error of the last failed attempt.' },
  },
  required: ['state', 'error'],
};
const answers = { 200: { description: 'The state.', schema: STATUS } };
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
  @Operation({ tag, summary: 'Get the initialization state', open: true, answers, errors: [404] })
  status(): InitStatus {
    return this.deferred().status;
  }

  @Post()
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Initialize the server',
    description: 'Requires the secret key in `X-Init-API-Key` if the server has one.',
    open: true,
    body: {
      schema: InitRequestDto,
      example: { session_api_keys: ['choose-a-key'], max_concurrent_runs: 4, env: { LANG: 'C.UTF-8' } },
      needs: 'Needs a server that was started with `OH_DEFERRED_INIT=true`.',
    },
    answers,
    errors: [400, 401, 404],
  })
  // Below `@Operation`, so that this guard runs first and the key is checked before the body is read.
  @UseGuards(InitKeyGuard)
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
