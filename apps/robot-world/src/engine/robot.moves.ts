import { Inject, Injectable } from '@nestjs/common';
import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { Id64String, Position } from '../common/robot-world.props.js';
import { RobotWorldEngine } from './robot-world.engine.js';
import { DRIVE_TICK } from './robot.traffic.js';
import { WarehouseDatabase } from './warehouse.database.js';

/** Reports the moves of robots that other nodes make: they write into the same file. */
@Injectable()
export class RobotMoves implements OnModuleInit, OnModuleDestroy {
  /** Where each robot was last. */
  readonly #known = new Map<Id64String, Position>();
  #version = 0;
  #timer: NodeJS.Timeout | undefined;
  #endListener = () => {};

  constructor(
    private readonly engine: RobotWorldEngine,
    private readonly database: WarehouseDatabase,
    @Inject(DRIVE_TICK) private readonly tick: number,
  ) {}

  onModuleInit(): void {
    if (!this.database.isShared) return;
    this.#version = this.database.version;
    for (const { id, x, y } of this.engine.robots()) this.#known.set(id, { x, y });
    this.#endListener = this.engine.onMoved((id, to) => this.#known.set(id, to));
    this.#timer = setInterval(() => this.#look(), this.tick);
  }

  onModuleDestroy(): void {
    clearInterval(this.#timer);
    this.#endListener();
  }

  #look(): void {
    const { version } = this.database;
    if (version === this.#version) return;
    this.#version = version;
    for (const { id, x, y } of this.engine.robots()) {
      const before = this.#known.get(id) ?? { x, y };
      if (before.x !== x || before.y !== y) this.engine.reportMove(id, { x, y }, before);
      else this.#known.set(id, before);
    }
  }
}
