-- SPDX-License-Identifier: MIT
--
-- What a recording keeps of a slow or failed operation is the row of its run. The reason of the policy stays beside that of
-- the pin until the run is forgotten, so that giving the recording up leaves the run what it had; '' where there is only the pin.

ALTER TABLE operations ADD COLUMN policy TEXT NOT NULL DEFAULT '' CHECK (policy IN ('', 'slow', 'failed'));
