-- A project of four images as format 5 of the database had it, before its tables were typed.
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
INSERT INTO "audit" VALUES(1,'2026-11-27T23:15:13.756+00:00','ann','verdict',3,'82864fd7b3c5bbcd9bb7acd2ab7b55b2','img0.png','m1','{"label": 1, "p_fake": 0.1, "score": 0.9}','{"comment": "", "mask": null, "verdict": null}','{"comment": "", "mask": null, "verdict": 1}',NULL,'ba198e393e59d2ec96b79b5e5043eafa205d8fb3693313f89569b9fc58629303');
INSERT INTO "audit" VALUES(2,'2026-11-27T23:15:13.768+00:00','bob','class',NULL,NULL,NULL,NULL,NULL,NULL,'{"class": 2, "name": "rot"}',NULL,'92ad1d196ad932b8e09a356508ee1f9b8784fe719cb6acef25d90b971d9ccfcd');
INSERT INTO "audit" VALUES(3,'2026-11-27T23:15:13.841+00:00','bob','mask',2,'6d984b25bfba8ed550289ca75e17dfd2','img1.png','m1','{"label": 1, "p_fake": 0.1, "score": 0.52}','{"comment": "", "mask": null, "verdict": null}','{"comment": "left edge", "mask": "7c2af5bb013d8ee20daf3a2bacccd6325ae799ea", "verdict": 1}',NULL,'19c06e9aecb7e32016d277da14716eca89aa8b1e8556cc7e3caeaea17b6232cc');
INSERT INTO "audit" VALUES(4,'2026-11-27T23:15:13.864+00:00','ann','verdict',4,'3a6ffe8f04c5a7a445ba9f2931d7da2e','img2.png','m1','{"label": 0, "p_fake": 0.1, "score": 0.2}','{"comment": "", "mask": null, "verdict": null}','{"comment": "", "mask": null, "verdict": 0}',NULL,'27cca7a6a299cd0a649906425d5ee81faab3dad759fe182d48825e699852014f');
INSERT INTO "audit" VALUES(5,'2026-11-27T23:15:13.873+00:00','ann','verdict',1,'9f3dcc12746b1ce26a894eb094c44cc9','img3.png','m1','{"label": 0, "p_fake": 0.1, "score": 0.45}','{"comment": "", "mask": null, "verdict": null}','{"comment": "", "mask": null, "verdict": 2}',NULL,'94410387e0a2249a8e5810c9d43a116e0e73a5ff9b8adc79f5a04945681bc240');
INSERT INTO "audit" VALUES(6,'2026-11-27T23:15:13.895+00:00','ann','revert',1,'9f3dcc12746b1ce26a894eb094c44cc9','img3.png','m1','{"label": 0, "p_fake": 0.1, "score": 0.45}','{"comment": "", "mask": null, "verdict": 2}','{"comment": "", "mask": null, "verdict": null}',5,'b5656835e76e62995216657c3e462b9dceb453dcf36c07390b3b3dbbd84b4334');
CREATE TABLE fingerprint (
    band INTEGER NOT NULL,
    image_id INTEGER NOT NULL REFERENCES image(id),
    bits BLOB NOT NULL,
    PRIMARY KEY (band, image_id)
) WITHOUT ROWID;
INSERT INTO "fingerprint" VALUES(282,4,X'6BB821592245111A');
INSERT INTO "fingerprint" VALUES(405,2,X'912CEEB35817A995');
INSERT INTO "fingerprint" VALUES(692,3,X'D3DDB2ABD84392B4');
INSERT INTO "fingerprint" VALUES(857,1,X'54506D92554B9359');
INSERT INTO "fingerprint" VALUES(2162,3,X'D3DDB2ABD84392B4');
INSERT INTO "fingerprint" VALUES(2210,4,X'6BB821592245111A');
INSERT INTO "fingerprint" VALUES(2418,1,X'54506D92554B9359');
INSERT INTO "fingerprint" VALUES(2805,2,X'912CEEB35817A995');
INSERT INTO "fingerprint" VALUES(4437,1,X'54506D92554B9359');
INSERT INTO "fingerprint" VALUES(5257,4,X'6BB821592245111A');
INSERT INTO "fingerprint" VALUES(5472,2,X'912CEEB35817A995');
INSERT INTO "fingerprint" VALUES(5985,3,X'D3DDB2ABD84392B4');
INSERT INTO "fingerprint" VALUES(6316,4,X'6BB821592245111A');
INSERT INTO "fingerprint" VALUES(6485,3,X'D3DDB2ABD84392B4');
INSERT INTO "fingerprint" VALUES(7881,1,X'54506D92554B9359');
INSERT INTO "fingerprint" VALUES(8025,2,X'912CEEB35817A995');
INSERT INTO "fingerprint" VALUES(8454,1,X'54506D92554B9359');
INSERT INTO "fingerprint" VALUES(8667,3,X'D3DDB2ABD84392B4');
INSERT INTO "fingerprint" VALUES(8910,2,X'912CEEB35817A995');
INSERT INTO "fingerprint" VALUES(9090,4,X'6BB821592245111A');
INSERT INTO "fingerprint" VALUES(10577,1,X'54506D92554B9359');
INSERT INTO "fingerprint" VALUES(10670,4,X'6BB821592245111A');
INSERT INTO "fingerprint" VALUES(10820,2,X'912CEEB35817A995');
INSERT INTO "fingerprint" VALUES(11087,3,X'D3DDB2ABD84392B4');
CREATE TABLE folder (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    domain TEXT NOT NULL,
    model_id INTEGER REFERENCES model(id),
    mm_per_px REAL CHECK (mm_per_px > 0),
    added TEXT NOT NULL
, removed INTEGER NOT NULL DEFAULT 0);
INSERT INTO "folder" VALUES(1,'.','crack',1,NULL,'2026-11-27T23:15:13.701+00:00',0);
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
INSERT INTO "human" VALUES(1,NULL,NULL,'',2,6,'ann','2026-11-27T23:15:13.895+00:00');
INSERT INTO "human" VALUES(2,1,'7c2af5bb013d8ee20daf3a2bacccd6325ae799ea','left edge',1,3,'bob','2026-11-27T23:15:13.841+00:00');
INSERT INTO "human" VALUES(3,1,NULL,'',1,1,'ann','2026-11-27T23:15:13.756+00:00');
INSERT INTO "human" VALUES(4,0,NULL,'',1,4,'ann','2026-11-27T23:15:13.864+00:00');
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
INSERT INTO "image" VALUES(1,1,'img3.png','img0013.png',1820,1795821313655772483,3663530,'9f3dcc12746b1ce26a894eb094c44cc9',0,NULL,'',24,24,0,0.45,0.1,0.9,NULL,0.0,1,1,0,NULL);
INSERT INTO "image" VALUES(2,1,'img1.png','img0011.png',1820,1795821313651634283,3663528,'6d984b25bfba8ed550289ca75e17dfd2',0,NULL,'',24,24,1,0.52,0.1,0.96,NULL,2.77777777777777762358e-02,1,2,2,1);
INSERT INTO "image" VALUES(3,1,'img0.png','img0010.png',1820,1795821313649084522,3663527,'82864fd7b3c5bbcd9bb7acd2ab7b55b2',0,NULL,'',24,24,1,0.9,0.1,1.99999999999999955591e-01,NULL,2.77777777777777762358e-02,1,3,1,1);
INSERT INTO "image" VALUES(4,1,'img2.png','img0012.png',1820,1795821313653513988,3663529,'3a6ffe8f04c5a7a445ba9f2931d7da2e',0,NULL,'',24,24,0,0.2,0.1,0.4,NULL,0.0,1,4,1,0);
CREATE TABLE lease (
    image_id INTEGER PRIMARY KEY REFERENCES image(id),
    holder TEXT NOT NULL,
    who TEXT NOT NULL,
    until REAL NOT NULL
);
CREATE TABLE mask_class (id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 254), name TEXT UNIQUE);
INSERT INTO "mask_class" VALUES(1,'damage');
INSERT INTO "mask_class" VALUES(2,'rot');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('created','2026-11-27T23:15:13.701+00:00');
INSERT INTO "meta" VALUES('id','4f2ee7a9-2492-46f2-94f7-8885eed9469c');
CREATE TABLE model (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    card TEXT NOT NULL,
    added TEXT NOT NULL
);
INSERT INTO "model" VALUES(1,'m1','model.safetensors','/models/model.safetensors','{"format_version": 1, "created": "2026-01-01T00:00:00+00:00", "cfinspect_version": "0", "generator": {"name": "identity", "kwargs": {}}, "discriminator": {"name": "compact", "kwargs": {}}, "classes": ["undamaged", "damaged"], "preprocessing": {"size": 32, "scope": "whole", "tile": 0, "views": "near"}, "decision": {"temperature": 1.0, "score_threshold": 0.5, "mask_threshold": 0.1, "mask_rule": "fixed", "min_area_fraction": 0.0005, "review_p_fake": 1.0, "review_low": 0.5, "review_high": 0.5, "review_rate": 0.1}, "kinds": {}, "metrics": {}, "data": {}, "training": {}, "licence_note": ""}','2026-11-27T23:15:13.721+00:00');
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
INSERT INTO "prediction" VALUES(3,1,1,0.9,8.99999999999999827915e-02,0.81,0.1,1,1,'[["score_in_band",0.9,0.4,0.6]]',2.77777777777777762358e-02,1.99999999999999955591e-01,'[{"x": 2, "y": 2, "width": 4, "height": 4, "area": 16, "length": 4.0, "mean_width": 4.0, "class_id": 1, "area_mm2": null, "length_mm": null, "mean_width_mm": null}]',X'89504E470D0A1A0A0000000D4948445200000018000000180100000000C80C00550000002749444154081D05C10101000008C320D6CBF80F2684D04D37DD741342082184104208218410C203460F0419A151C7EA0000000049454E44AE426082','2026-11-27T23:15:13.745+00:00','');
INSERT INTO "prediction" VALUES(2,1,1,0.52,0.432,0.468,0.1,1,1,'[["score_in_band",0.52,0.4,0.6]]',2.77777777777777762358e-02,0.96,'[{"x": 2, "y": 2, "width": 4, "height": 4, "area": 16, "length": 4.0, "mean_width": 4.0, "class_id": 1, "area_mm2": null, "length_mm": null, "mean_width_mm": null}]',X'89504E470D0A1A0A0000000D4948445200000018000000180100000000C80C00550000002749444154081D05C10101000008C320D6CBF80F2684D04D37DD741342082184104208218410C203460F0419A151C7EA0000000049454E44AE426082','2026-11-27T23:15:13.746+00:00','');
INSERT INTO "prediction" VALUES(4,1,0,0.2,7.20000000000000084376e-01,1.80000000000000021094e-01,0.1,1,1,'[["score_in_band",0.2,0.4,0.6]]',0.0,0.4,'[]',NULL,'2026-11-27T23:15:13.747+00:00','');
INSERT INTO "prediction" VALUES(1,1,0,0.45,4.9500000000000005107e-01,0.405,0.1,1,1,'[["score_in_band",0.45,0.4,0.6]]',0.0,0.9,'[]',NULL,'2026-11-27T23:15:13.748+00:00','');
CREATE TABLE saliency (
    image_id INTEGER NOT NULL REFERENCES image(id),
    model_id INTEGER NOT NULL REFERENCES model(id),
    bytes INTEGER NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (image_id, model_id)
) WITHOUT ROWID;
INSERT INTO "saliency" VALUES(3,1,321,1795821313911747871);
CREATE TABLE unreadable (
    image_id INTEGER PRIMARY KEY REFERENCES image(id),
    error TEXT NOT NULL
);
INSERT INTO "unreadable" VALUES(1,'it is damaged');
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
PRAGMA user_version = 5;
