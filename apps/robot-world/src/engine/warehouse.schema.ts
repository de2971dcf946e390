import { FIRST_OBSTACLE } from './element.id.js';

/**
 * Coordinates are metres. The R*Trees hold the same boxes as the tables, rounded outward to 32-bit floats:
 * they find candidates quickly, and the tables decide. Triggers keep both in step.
 */
export const warehouseSchema = `
  CREATE TABLE obstacle (
    id    INTEGER PRIMARY KEY CHECK (id >= ${FIRST_OBSTACLE}),
    kind  TEXT NOT NULL,
    min_x REAL NOT NULL, max_x REAL NOT NULL,
    min_y REAL NOT NULL, max_y REAL NOT NULL
  ) STRICT;
  CREATE VIRTUAL TABLE obstacle_area USING rtree (id, min_x, max_x, min_y, max_y);
  CREATE TRIGGER obstacle_built AFTER INSERT ON obstacle BEGIN
    INSERT INTO obstacle_area VALUES (new.id, new.min_x, new.max_x, new.min_y, new.max_y);
  END;

  CREATE TABLE robot (
    id     INTEGER PRIMARY KEY CHECK (id < ${FIRST_OBSTACLE}),
    name   TEXT NOT NULL,
    x      REAL NOT NULL,
    y      REAL NOT NULL,
    radius REAL NOT NULL
  ) STRICT;
  CREATE VIRTUAL TABLE robot_area USING rtree (id, min_x, max_x, min_y, max_y);
  CREATE TRIGGER robot_added AFTER INSERT ON robot BEGIN
    INSERT INTO robot_area VALUES
      (new.id, new.x - new.radius, new.x + new.radius, new.y - new.radius, new.y + new.radius);
  END;
  CREATE TRIGGER robot_moved AFTER UPDATE OF x, y ON robot BEGIN
    UPDATE robot_area SET
      min_x = new.x - new.radius, max_x = new.x + new.radius,
      min_y = new.y - new.radius, max_y = new.y + new.radius
    WHERE id = new.id;
  END;
`;

/** Which drive moves each robot, so that a newer one ends it whichever node it belongs to. */
export const driveSchema =
  'CREATE TABLE IF NOT EXISTS drive (robot INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT';

/** ?1: id of a robot, ?2: id of its drive. */
export const beginDrive = 'INSERT OR REPLACE INTO drive VALUES (?1, ?2)';

/** ?1: id of a robot. */
export const driveOf = 'SELECT id FROM drive WHERE robot = ?1';

/** ?1: id of a robot. */
export const endDrive = 'DELETE FROM drive WHERE robot = ?1';

/** The number rises when another connection changes the file. */
export const fileVersion = 'PRAGMA data_version';

export const countRobots = 'SELECT count(*) FROM robot';

/** ?1: JSON list of ids. */
export const countRobotsAmong = 'SELECT count(*) FROM robot WHERE id IN (SELECT value FROM json_each(?1))';

/** ?1: id. */
export const robotById = 'SELECT id, name, x, y, radius FROM robot WHERE id = ?1';

/** ?1 to ?4: minX, minY, maxX, maxY. */
export const robotsInRegion = `
  SELECT robot.id, name, x, y, radius
  FROM robot_area AS area JOIN robot ON robot.id = area.id
  WHERE area.min_x <= ?3 AND area.max_x >= ?1 AND area.min_y <= ?4 AND area.max_y >= ?2
    AND x BETWEEN ?1 AND ?3 AND y BETWEEN ?2 AND ?4
  ORDER BY robot.id`;

/** ?1 to ?4: minX, minY, maxX, maxY. */
export const obstaclesInRegion = `
  SELECT obstacle.id, kind, obstacle.min_x, obstacle.min_y, obstacle.max_x, obstacle.max_y
  FROM obstacle_area AS area JOIN obstacle ON obstacle.id = area.id
  WHERE area.min_x <= ?3 AND area.max_x >= ?1 AND area.min_y <= ?4 AND area.max_y >= ?2
    AND obstacle.min_x <= ?3 AND obstacle.max_x >= ?1 AND obstacle.min_y <= ?4 AND obstacle.max_y >= ?2
  ORDER BY obstacle.id`;

// From a point to the nearest point of a box, along each axis.
const dx = 'max(obstacle.min_x - ?1, 0, ?1 - obstacle.max_x)';
const dy = 'max(obstacle.min_y - ?2, 0, ?2 - obstacle.max_y)';

/** ?1, ?2: centre of a disc, ?3: its radius. */
export const obstaclesTouchingDisc = `
  SELECT obstacle.id
  FROM obstacle_area AS area JOIN obstacle ON obstacle.id = area.id
  WHERE area.min_x <= ?1 + ?3 AND area.max_x >= ?1 - ?3 AND area.min_y <= ?2 + ?3 AND area.max_y >= ?2 - ?3
    AND ${dx} * ${dx} + ${dy} * ${dy} <= ?3 * ?3
  ORDER BY obstacle.id`;

const boxesInRegion = (table: string) => `
  SELECT min_x, min_y, max_x, max_y FROM ${table}
  WHERE min_x <= ?3 AND max_x >= ?1 AND min_y <= ?4 AND max_y >= ?2`;

/** ?1 to ?4: minX, minY, maxX, maxY. Precise enough to draw. */
export const obstacleBoxes = boxesInRegion('obstacle_area');
export const robotBoxes = boxesInRegion('robot_area');

export const countObstacles = 'SELECT count(*) FROM obstacle';

/** ?1: how many, ?2: how many to leave out before. */
export const surveySlice = `
  SELECT kind, count(*), sum((max_x - min_x) * (max_y - min_y))
  FROM (SELECT * FROM obstacle ORDER BY id LIMIT ?1 OFFSET ?2) GROUP BY kind`;

/** ?1 to ?4: name, x, y, radius. */
export const insertRobot = 'INSERT INTO robot (name, x, y, radius) VALUES (?1, ?2, ?3, ?4)';

/** ?1: id, ?2, ?3: x, y. */
export const moveRobot = 'UPDATE robot SET x = ?2, y = ?3 WHERE id = ?1';

/** ?1: id, ?2: kind, ?3 to ?6: minX, maxX, minY, maxY. */
export const insertObstacle = 'INSERT INTO obstacle VALUES (?1, ?2, ?3, ?4, ?5, ?6)';

/** ?1: JSON list of lists, each with kind, minX, maxX, minY and maxY. Much faster than one statement for each. */
export const insertObstacles = `
  INSERT INTO obstacle
  SELECT ${FIRST_OBSTACLE} + key, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?1)`;

/** ?1: kind, ?2 to ?5: minX, maxX, minY, maxY. The id is the next one. */
export const addObstacle = `
  INSERT INTO obstacle SELECT coalesce(max(id) + 1, ${FIRST_OBSTACLE}), ?1, ?2, ?3, ?4, ?5 FROM obstacle`;

/** ?1: id. */
export const removeObstacle = [
  'DELETE FROM obstacle WHERE id = ?1',
  'DELETE FROM obstacle_area WHERE id = ?1',
] as const;
