import {
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
  Injectable,
  Module,
  ServiceUnavailableException,
  UseGuards,
} from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { ByteBudget, type HeldBytes } from '../../flow/index.js';
import { isJsonObject } from '../../json/index.js';
import { readJsonBody } from './json-body.js';
import { RawBodies } from './raw-body.js';

const MIB = 1024 * 1024;

/** The bounds of one request body. */
class BodyLimits {
  /** Bytes of bodies with messages (`large` of an operation): 16 MiB of content, and its JSON. */
  large = 17 * MIB;
  /** Bytes of all other JSON bodies. */
  other = 4 * MIB;
  /** Longest time between two chunks of a body (ms). */
  idleMs = 30_000;
}

/** Seconds after which a client may repeat a request that exceeded the budget. */
const RETRY_AFTER_SECONDS = 1;
const BUDGET_EXCEEDED =
  'The server is processing as many bytes of request bodies as it may at a time ' +
  '(max_body_bytes_in_flight); retry later';

/** Handlers whose bodies may contain messages with images. */
const largeBodies = new WeakSet<object>();

/** What bodies hold of the budget. */
const heldByBodies = new WeakMap<HttpRequest, HeldBytes>();

/**
 * Gives back what the body of a request holds of the budget, for an answer that takes long. The body is
 * emptied in place, because whoever has passed it on keeps it until then.
 * @param kept names of fields that stay; they must be small
 */
export function releaseBody(request: HttpRequest, kept: readonly string[] = []): void {
  const body: unknown = request.body;
  if (isJsonObject(body))
    for (const name of Object.keys(body)) if (!kept.includes(name)) Reflect.deleteProperty(body, name);
  heldByBodies.get(request)?.shrink();
}

/** Has the JSON body read into `request.body` before the handler is called. */
export function ReadsJsonBody({ large = false } = {}): MethodDecorator {
  return (target, key, descriptor) => {
    if (large && typeof descriptor.value === 'function') largeBodies.add(descriptor.value);
    UseGuards(JsonBodyGuard)(target, key, descriptor);
  };
}

/**
 * Reads the JSON body of a request within its limits. Nest runs global guards first, so the body is not read
 * when the key is refused. The bytes count as in flight until the request is answered,
 * or `releaseBody` is called.
 */
@Injectable()
class JsonBodyGuard implements CanActivate {
  constructor(
    private readonly budget: ByteBudget,
    private readonly limits: BodyLimits,
  ) {}

  /** @throws HttpException, RequestValidationError */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    const isLarge = largeBodies.has(context.getHandler());
    request.body = await this.read(request, http.getResponse<HttpResponse>(), isLarge);
    return true;
  }

  private read(request: HttpRequest, response: HttpResponse, isLarge: boolean): Promise<unknown> {
    const { large, other, idleMs } = this.limits;
    const limit = isLarge ? large : other;
    const refuse = (): never => {
      response.setHeader('Retry-After', RETRY_AFTER_SECONDS);
      throw new ServiceUnavailableException(BUDGET_EXCEEDED);
    };
    // Refused early, so that the client does not send the body in vain.
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced <= limit && !this.budget.hasRoomFor(announced)) refuse();
    const held = this.budget.hold();
    heldByBodies.set(request, held);
    response.once('close', () => held.shrink());
    return readJsonBody(request, {
      limit,
      idleMs,
      reserve: (bytes) => {
        if (!held.grow(bytes)) refuse();
      },
    });
  }
}

/** Provides the limits on request bodies to all modules. Sockets share the budget. */
@Module({})
export class RequestBodiesModule {
  /** @param bytesInFlight bytes of bodies and frames over 64 KiB that may be processed at a time */
  static forRoot(bytesInFlight: number, limits: Partial<BodyLimits> = {}): DynamicModule {
    return {
      module: RequestBodiesModule,
      global: true,
      providers: [
        { provide: ByteBudget, useFactory: () => new ByteBudget(bytesInFlight) },
        { provide: BodyLimits, useFactory: () => Object.assign(new BodyLimits(), limits) },
        RawBodies,
      ],
      exports: [ByteBudget, BodyLimits, RawBodies],
    };
  }
}
