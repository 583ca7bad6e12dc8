//! Which edges lead to each block: how many, and whether one of them closes a
//! loop.

use crate::region::Region;

/// Counts the edges inside the region, and marks the heads of loops.
pub fn link(region: &mut Region) {
    for block in &mut region.blocks {
        (block.preds, block.loop_head) = (0, false);
    }
    for i in 0..region.blocks.len() {
        let term = region.blocks[i].term;
        for target in term.targets() {
            if let Some(j) = region.block_at(target) {
                region.blocks[j].preds += 1;
                region.blocks[j].loop_head |= j <= i;
            }
        }
    }
}
