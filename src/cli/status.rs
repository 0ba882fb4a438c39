//! `fluctuator status`: how far a run is, in all its shards.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;
use indicatif::HumanDuration;

use super::{Outcome, merge, table};
use crate::Result;
use crate::ensemble::RangeSet;
use crate::io::blocks::{Defect, Head, PointBlocks, task_of};

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// Directories with stored blocks.
    #[arg(required = true)]
    directories: Vec<PathBuf>,
    /// Also read all sums, and check their checksums.
    #[arg(long)]
    verify: bool,
}

/// Prints a line per file of blocks and one per sweep point.
pub fn run(arguments: &StatusArguments) -> Result<Outcome> {
    let all = merge::collect(&arguments.directories)?;
    let file = merge::run_file(&all)?;
    let mut lost = false;
    for index in 0..file.points.len() {
        let paths = all.get(&index).cloned().unwrap_or_default();
        let blocks = PointBlocks::new(&file, index, None, paths.clone());
        let (heads, defects, mut stored) = blocks.heads();
        let mut rows = vec![["file", "shard", "stored", "of trajectories", "last written"].map(str::to_owned).to_vec()];
        rows.extend(heads.iter().map(|(path, head)| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let held: RangeSet = head.nodes.iter().map(|entry| head.range(entry)).collect();
            let task = format!("{}–{}", head.task.start, head.task.end.saturating_sub(1));
            vec![name, shard(head), held.count().to_string(), task, age(path)]
        }));
        let mut defects: Vec<Defect> = defects;
        if arguments.verify {
            let found = blocks.gather(None);
            (defects, stored) = (found.defects, found.held);
        }
        let task = blocks.task();
        say!(
            "{}: {} of {} trajectories are stored ({:.1} %)",
            table::point_label(&file, index),
            stored.count(),
            task.end,
            100.0 * stored.count() as f64 / task.end as f64
        );
        let missing = stored.missing(task);
        if missing.count() > 0 {
            say!("  missing: {missing}");
        }
        table::print_aligned(&rows);
        for defect in &defects {
            lost |= defect.is_serious();
            say!("  {defect}");
        }
        let unread = paths.iter().filter(|path| !heads.iter().any(|(known, _)| known == *path));
        unread.filter(|path| task_of(path).is_none()).for_each(|path| say!("  {}: not one of ours", path.display()));
    }
    Ok(if lost { Outcome::Deviates } else { Outcome::Done })
}

fn shard(head: &Head) -> String {
    head.shard.clone().unwrap_or_else(|| "–".into())
}

fn age(path: &std::path::Path) -> String {
    let written = std::fs::metadata(path).and_then(|about| about.modified()).ok();
    let age = written.and_then(|written| SystemTime::now().duration_since(written).ok());
    age.map_or_else(|| "?".into(), |age| format!("{} ago", HumanDuration(Duration::from_secs(age.as_secs()))))
}
