import {
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
  Injectable,
  Module,
  ServiceUnavailableException,
  UseGuards,
} from '@nestjs/common';
import type { Request, Response } from 'express';
import { ByteBudget } from '../../flow/index.js';
import { readJsonBody } from './json-body.js';

const MIB = 1024 * 1024;

/** The bounds of one request body. */
export class BodyLimits {
  /** Bytes of bodies with messages (`large` of an operation): 16 MiB of content, and its JSON. */
  large = 17 * MIB;
  /** Bytes of all other JSON bodies. */
  other = 4 * MIB;
  /** A body that stops arriving is not waited for longer than this (ms). */
  idleMs = 30_000;
}

/** Seconds after which a client may send a body again that found no room. */
const RETRY_AFTER_SECONDS = 1;
const NO_ROOM =
  'The server is working on as many bytes of request bodies as it takes at a time ' +
  '(max_body_bytes_in_flight); retry later';

/** Handlers whose bodies may hold messages with images. */
const largeBodies = new WeakSet<object>();

/** The JSON body of these requests is read before their handler is called, and is then in `request.body`. */
export function ReadsJsonBody({ large = false } = {}): MethodDecorator {
  return (target, key, descriptor) => {
    if (large && typeof descriptor.value === 'function') largeBodies.add(descriptor.value);
    UseGuards(JsonBodyGuard)(target, key, descriptor);
  };
}

/**
 * Lets a request pass whose JSON body was read and is within its bounds. Nest asks global guards first, so
 * nothing of the body is read where the key is refused; a guard costs half of what an interceptor does. What
 * is read counts as in flight until the request is answered.
 */
@Injectable()
export class JsonBodyGuard implements CanActivate {
  constructor(
    private readonly budget: ByteBudget,
    private readonly limits: BodyLimits,
  ) {}

  /** @throws HttpException, RequestValidationError */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    const isLarge = largeBodies.has(context.getHandler());
    request.body = await this.read(request, http.getResponse<Response>(), isLarge);
    return true;
  }

  private read(request: Request, response: Response, isLarge: boolean): Promise<unknown> {
    const { large, other, idleMs } = this.limits;
    const limit = isLarge ? large : other;
    const refuse = (): never => {
      response.setHeader('Retry-After', RETRY_AFTER_SECONDS);
      throw new ServiceUnavailableException(NO_ROOM);
    };
    // Nobody should send what will find no room.
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced <= limit && !this.budget.hasRoomFor(announced)) refuse();
    const held = this.budget.hold();
    response.once('close', () => held.shrink());
    return readJsonBody(request, {
      limit,
      idleMs,
      keep: (bytes) => {
        if (!held.grow(bytes)) refuse();
      },
    });
  }
}

/** What reading bodies needs, for the controllers of all modules; sockets share the budget. */
@Module({})
export class RequestBodiesModule {
  /** @param bytesInFlight bytes of bodies and frames over 64 KiB that are worked on at a time */
  static forRoot(bytesInFlight: number, limits: Partial<BodyLimits> = {}): DynamicModule {
    return {
      module: RequestBodiesModule,
      global: true,
      providers: [
        { provide: ByteBudget, useFactory: () => new ByteBudget(bytesInFlight) },
        { provide: BodyLimits, useFactory: () => Object.assign(new BodyLimits(), limits) },
      ],
      exports: [ByteBudget, BodyLimits],
    };
  }
}
