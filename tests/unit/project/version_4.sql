-- A project of four images as format 4 of the database had it, before reasons had codes.
BEGIN TRANSACTION;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    image_id INTEGER REFERENCES image(id),
    digest TEXT,
    file TEXT,
    model TEXT,
    advice TEXT,
    before TEXT,
    after TEXT,
    reverts INTEGER REFERENCES audit(id),
    hash TEXT NOT NULL
);
INSERT INTO "audit" VALUES(1,'2026-11-27T07:11:20.629+00:00','ann','verdict',3,'82864fd7b3c5bbcd9bb7acd2ab7b55b2','img0.png','m1','{"label": 1, "p_fake": 0.3149, "score": 0.9}','{"comment": "", "mask": null, "verdict": null}','{"comment": "", "mask": null, "verdict": 1}',NULL,'e71c0e61e27187c234d41c25671553b62a361e81cc0627787ce75822d28161e0');
INSERT INTO "audit" VALUES(2,'2026-11-27T07:11:20.651+00:00','bob','verdict',2,'6d984b25bfba8ed550289ca75e17dfd2','img1.png','m1','{"label": 1, "p_fake": 0.31, "score": 0.52}','{"comment": "", "mask": null, "verdict": null}','{"comment": "", "mask": null, "verdict": 0}',NULL,'003228db4b4cfd1df5f7509a5d9051bd1574051efc65f722ed162b9276451601');
INSERT INTO "audit" VALUES(3,'2026-11-27T07:11:20.671+00:00','ann','comment',2,'6d984b25bfba8ed550289ca75e17dfd2','img1.png','m1','{"label": 1, "p_fake": 0.31, "score": 0.52}','{"comment": "", "mask": null, "verdict": 0}','{"comment": "too dark", "mask": null, "verdict": 0}',NULL,'145f8dcbb897ed8a54ba9c28c06c7f233f7be2e97e7c685ca09d8f56c2c738af');
INSERT INTO "audit" VALUES(4,'2026-11-27T07:11:20.675+00:00','ann','verdict',4,'3a6ffe8f04c5a7a445ba9f2931d7da2e','img2.png','m1','{"label": 0, "p_fake": 0.1, "score": 0.2}','{"comment": "", "mask": null, "verdict": null}','{"comment": "", "mask": null, "verdict": 2}',NULL,'ebf3c7d32188b26585051a0575b5602e67d3083c3d9413dfffdbc8b80090936b');
INSERT INTO "audit" VALUES(5,'2026-11-27T07:11:20.695+00:00','bob','verdict',3,'82864fd7b3c5bbcd9bb7acd2ab7b55b2','img0.png','m1','{"label": 1, "p_fake": 0.3149, "score": 0.9}','{"comment": "", "mask": null, "verdict": 1}','{"comment": "", "mask": null, "verdict": 0}',NULL,'fc5427e47fb9e20dbdb4ae42188bafb3267cca769936a6067c5e7b8328de295c');
CREATE TABLE fingerprint (
    band INTEGER NOT NULL,
    image_id INTEGER NOT NULL REFERENCES image(id),
    bits BLOB NOT NULL,
    PRIMARY KEY (band, image_id)
) WITHOUT ROWID;
INSERT INTO "fingerprint" VALUES(0,3,X'0000000000000000');
INSERT INTO "fingerprint" VALUES(2048,3,X'0000000000000000');
INSERT INTO "fingerprint" VALUES(4096,3,X'0000000000000000');
INSERT INTO "fingerprint" VALUES(6144,3,X'0000000000000000');
INSERT INTO "fingerprint" VALUES(8192,3,X'0000000000000000');
INSERT INTO "fingerprint" VALUES(10240,3,X'0000000000000000');
CREATE TABLE folder (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    domain TEXT NOT NULL,
    model_id INTEGER REFERENCES model(id),
    mm_per_px REAL CHECK (mm_per_px > 0),
    added TEXT NOT NULL
, removed INTEGER NOT NULL DEFAULT 0);
INSERT INTO "folder" VALUES(1,'.','crack',1,NULL,'2026-11-27T07:11:20.536+00:00',0);
CREATE TABLE human (
    image_id INTEGER PRIMARY KEY REFERENCES image(id),
    verdict INTEGER CHECK (verdict BETWEEN 0 AND 2),
    mask TEXT,
    comment TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL REFERENCES audit(id),
    who TEXT NOT NULL,
    at TEXT NOT NULL
);
INSERT INTO "human" VALUES(2,0,NULL,'too dark',2,3,'ann','2026-11-27T07:11:20.671+00:00');
INSERT INTO "human" VALUES(3,0,NULL,'',2,5,'bob','2026-11-27T07:11:20.695+00:00');
INSERT INTO "human" VALUES(4,2,NULL,'',1,4,'ann','2026-11-27T07:11:20.675+00:00');
CREATE TABLE image (
    id INTEGER PRIMARY KEY,
    folder_id INTEGER NOT NULL REFERENCES folder(id),
    path TEXT NOT NULL,
    place TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL DEFAULT 0,
    digest TEXT NOT NULL,
    missing INTEGER NOT NULL DEFAULT 0,
    label INTEGER,
    grp TEXT NOT NULL DEFAULT '',
    width INTEGER,
    height INTEGER,
    machine INTEGER,
    score REAL,
    p_fake REAL,
    uncertainty REAL,
    disagreement REAL,
    area REAL,
    flagged INTEGER NOT NULL DEFAULT 0,
    cluster INTEGER,
    state INTEGER NOT NULL DEFAULT 0,
    verdict INTEGER
);
INSERT INTO "image" VALUES(1,1,'img3.png','img0013.png',1820,1795763480431300670,2424861,'9f3dcc12746b1ce26a894eb094c44cc9',0,NULL,'',16,16,0,0.45,0.1,0.9,NULL,0.0,1,3,0,NULL);
INSERT INTO "image" VALUES(2,1,'img1.png','img0011.png',1820,1795763480415391168,2424859,'6d984b25bfba8ed550289ca75e17dfd2',0,NULL,'',16,16,1,0.52,0.31,0.96,NULL,0.0625,1,3,1,0);
INSERT INTO "image" VALUES(3,1,'img0.png','img0010.png',1820,1795763480405661794,2424858,'82864fd7b3c5bbcd9bb7acd2ab7b55b2',0,NULL,'',16,16,1,0.9,0.3149,1.99999999999999955591e-01,NULL,0.0625,1,3,1,0);
INSERT INTO "image" VALUES(4,1,'img2.png','img0012.png',1820,1795763480419291261,2424860,'3a6ffe8f04c5a7a445ba9f2931d7da2e',0,NULL,'',16,16,0,0.2,0.1,0.4,NULL,0.0,0,3,3,2);
CREATE TABLE lease (
    image_id INTEGER PRIMARY KEY REFERENCES image(id),
    holder TEXT NOT NULL,
    who TEXT NOT NULL,
    until REAL NOT NULL
);
CREATE TABLE mask_class (id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 254), name TEXT UNIQUE);
INSERT INTO "mask_class" VALUES(1,'damage');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('created','2026-11-27T07:11:20.535+00:00');
INSERT INTO "meta" VALUES('id','b277bcce-fe36-428a-9e0e-02ff61469075');
CREATE TABLE model (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    card TEXT NOT NULL,
    added TEXT NOT NULL
);
INSERT INTO "model" VALUES(1,'m1','model.safetensors','/models/model.safetensors','{"decision": {"score_threshold": 0.5}, "classes": ["undamaged", "damaged"]}','2026-11-27T07:11:20.561+00:00');
CREATE TABLE prediction (
    image_id INTEGER NOT NULL REFERENCES image(id),
    model_id INTEGER NOT NULL REFERENCES model(id),
    label INTEGER NOT NULL,
    score REAL NOT NULL,
    p0 REAL NOT NULL,
    p1 REAL NOT NULL,
    p_fake REAL NOT NULL,
    flipped INTEGER NOT NULL,
    review INTEGER NOT NULL,
    reason TEXT NOT NULL,
    area REAL NOT NULL,
    uncertainty REAL NOT NULL,
    regions TEXT NOT NULL,
    mask BLOB,
    made TEXT NOT NULL, kind TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (image_id, model_id)
);
INSERT INTO "prediction" VALUES(3,1,1,0.9,6.85099999999999875743e-02,6.16590000000000082458e-01,0.3149,1,1,'p_fake 0.31 above 0.20: looks unlike the training images',0.0625,1.99999999999999955591e-01,'[{"x": 2, "y": 2, "width": 4, "height": 4, "area": 16, "length": 4.0, "mean_width": 4.0, "class_id": 1, "area_mm2": null, "length_mm": null, "mean_width_mm": null}]',X'89504E470D0A1A0A0000000D49484452000000100000001001000000003788C2CC0000002049444154081D05C10101000008C320D6CBF80F264474EBD6AD5B44444444C40390B804113BF418630000000049454E44AE426082','2026-11-27T07:11:20.595+00:00','');
INSERT INTO "prediction" VALUES(2,1,1,0.52,3.31199999999999938893e-01,0.3588,0.31,0,1,'p_fake 0.31 above 0.20: looks unlike the training images; score 0.52 inside the band 0.40 to 0.60; the counterfactual did not flip',0.0625,0.96,'[{"x": 2, "y": 2, "width": 4, "height": 4, "area": 16, "length": 4.0, "mean_width": 4.0, "class_id": 1, "area_mm2": null, "length_mm": null, "mean_width_mm": null}]',X'89504E470D0A1A0A0000000D49484452000000100000001001000000003788C2CC0000002049444154081D05C10101000008C320D6CBF80F264474EBD6AD5B44444444C40390B804113BF418630000000049454E44AE426082','2026-11-27T07:11:20.597+00:00','');
INSERT INTO "prediction" VALUES(4,1,0,0.2,7.20000000000000084376e-01,1.80000000000000021094e-01,0.1,1,0,'',0.0,0.4,'[]',NULL,'2026-11-27T07:11:20.597+00:00','');
INSERT INTO "prediction" VALUES(1,1,0,0.45,4.9500000000000005107e-01,0.405,0.1,1,1,'looks odd; score 0.45 inside the band 0.40 to 0.60',0.0,0.9,'[]',NULL,'2026-11-27T07:11:20.597+00:00','');
CREATE TABLE saliency (
    image_id INTEGER NOT NULL REFERENCES image(id),
    model_id INTEGER NOT NULL REFERENCES model(id),
    bytes INTEGER NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (image_id, model_id)
) WITHOUT ROWID;
CREATE TABLE unreadable (
    image_id INTEGER PRIMARY KEY REFERENCES image(id),
    error TEXT NOT NULL
);
CREATE UNIQUE INDEX image_present ON image(folder_id, path) WHERE missing = 0;
CREATE INDEX image_digest ON image(digest);
CREATE INDEX image_missing ON image(id) WHERE missing = 1;
CREATE INDEX image_counts ON image(missing, folder_id, state, machine, flagged, verdict);
CREATE INDEX image_by_path ON image
    (missing, path, folder_id, state, machine, flagged, label, score);
CREATE INDEX image_by_place ON image
    (missing, place, path, folder_id, state, machine, flagged, label, score, disagreement);
CREATE INDEX image_waiting ON image
    (missing, place, path, folder_id, state, machine, flagged, label, score)
    WHERE score IS NULL;
CREATE INDEX image_by_score ON image
    (missing, score, path, folder_id, state, machine, flagged, label)
    WHERE score IS NOT NULL;
CREATE INDEX image_by_p_fake ON image
    (missing, p_fake, path, folder_id, state, machine, flagged, label, score)
    WHERE p_fake IS NOT NULL;
CREATE INDEX image_by_uncertainty ON image
    (missing, uncertainty, path, folder_id, state, machine, flagged, label, score)
    WHERE uncertainty IS NOT NULL;
CREATE INDEX image_by_disagreement ON image
    (missing, disagreement, path, folder_id, state, machine, flagged, label, score)
    WHERE disagreement IS NOT NULL;
CREATE INDEX image_by_area ON image
    (missing, area, path, folder_id, state, machine, flagged, label, score)
    WHERE area IS NOT NULL;
CREATE INDEX saliency_used ON saliency(used);
CREATE INDEX audit_image ON audit(image_id);
CREATE INDEX audit_reverts ON audit(reverts) WHERE reverts IS NOT NULL;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_only_next BEFORE INSERT ON audit
WHEN NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM audit)
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER human_no_delete BEFORE DELETE ON human
BEGIN SELECT RAISE(ABORT, 'verdicts are changed, never deleted'); END;
CREATE INDEX image_by_mtime_ns ON image
    (missing, mtime_ns, path, folder_id, state, machine, flagged, label, score);
CREATE TRIGGER human_added AFTER INSERT ON human BEGIN 
    UPDATE image SET verdict = NEW.verdict, state = CASE
        WHEN NEW.verdict IS NULL THEN 0 WHEN NEW.verdict = 2 THEN 3
        WHEN NEW.mask IS NOT NULL THEN 2 ELSE 1 END
    WHERE id = NEW.image_id;
END;
CREATE TRIGGER human_changed AFTER UPDATE ON human BEGIN 
    UPDATE image SET verdict = NEW.verdict, state = CASE
        WHEN NEW.verdict IS NULL THEN 0 WHEN NEW.verdict = 2 THEN 3
        WHEN NEW.mask IS NOT NULL THEN 2 ELSE 1 END
    WHERE id = NEW.image_id;
END;
COMMIT;
PRAGMA user_version = 4;
