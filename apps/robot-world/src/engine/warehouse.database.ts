import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import Database from 'libsql';
import { layOutWarehouse } from './warehouse.layout.js';
import {
  driveSchema,
  fileVersion,
  insertObstacles,
  insertRobot,
  warehouseSchema,
} from './warehouse.schema.js';

/** Injection token: a file's path, or `:memory:`. */
export const WAREHOUSE_FILE = Symbol('robot-world:warehouse-file');

type Statement = Database.Statement;

/** How long a statement waits while another node writes, in milliseconds. */
const BUSY_MS = 2000;

/** The warehouse in an embedded SQL database. A new or empty one is furnished at the first start. */
@Injectable()
export class WarehouseDatabase implements OnApplicationShutdown {
  readonly #logger = new Logger(WarehouseDatabase.name);
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Statement>();

  /** Whether other nodes may write into the file. */
  readonly isShared: boolean;

  constructor(@Inject(WAREHOUSE_FILE) file: string) {
    this.isShared = file !== ':memory:';
    this.#database = new Database(file);
    this.#database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    // Readers then do not wait for a writer.
    if (this.isShared) this.#database.exec('PRAGMA journal_mode = WAL');
    const tables = this.column("SELECT count(*) FROM sqlite_schema WHERE name = 'obstacle'");
    if (tables[0] === 0) this.#furnish();
    this.#database.exec(driveSchema);
  }

  /** All rows of a query, each as the list of its columns' values. */
  rows<Row extends unknown[]>(sql: string, ...parameters: unknown[]): Row[] {
    return this.#prepare(sql)
      .raw()
      .all(...parameters) as Row[];
  }

  /** The first column of all rows of a query. */
  column<T = number>(sql: string, ...parameters: unknown[]): T[] {
    return this.rows<[T]>(sql, ...parameters).map(([value]) => value);
  }

  /** @returns the id of the row that an INSERT made */
  run(sql: string, ...parameters: unknown[]): number {
    return Number(this.#prepare(sql).run(...parameters).lastInsertRowid);
  }

  /** A number that rises when another node changes the file. */
  get version(): number {
    return this.column(fileVersion)[0]!;
  }

  /** Does all of some work, or nothing. The work must be synchronous, because other calls would write into its transaction. */
  transaction<T>(work: () => T): T {
    return this.#database.transaction(work)();
  }

  /** Closes the database in the last phase of shutdown, because calls in flight need it. */
  onApplicationShutdown(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }

  /** Fills the tables in one transaction, which is fast and leaves no half warehouse in a file. */
  #furnish(): void {
    const start = performance.now();
    const { obstacles, robots } = layOutWarehouse(2021);
    this.transaction(() => {
      this.#database.exec(warehouseSchema);
      const rows = obstacles.map(({ kind, minX, maxX, minY, maxY }) => [kind, minX, maxX, minY, maxY]);
      this.run(insertObstacles, JSON.stringify(rows));
      for (const { name, x, y, radius } of robots) this.run(insertRobot, name, x, y, radius);
    });
    const elapsed = Math.round(performance.now() - start);
    this.#logger.log(
      `Furnished a warehouse with ${obstacles.length} obstacles and ${robots.length} robots in ${elapsed} ms`,
    );
  }
}
