//! How far a run has come, while it runs.

use super::phrases;

phrases! {
    MODULES = "{done} of {known} modules", "模块 {done}/{known}";
    FILE = "1 file", "1 个文件";
    FILES = "{files} files", "{files} 个文件";
    RATE = "{bytes}/s", "每秒 {bytes}";
    ATTEMPT = "attempt {attempt}", "第 {attempt} 次运行";
    RUNNING_FOR = "{age}", "已 {age}";
    SLOWEST = "slowest: {name}, {age}", "最慢：{name}，已 {age}";
    ASKED_AGAIN = "{host} is asked again in {left} (try {n})", "{left}后再问 {host}（第 {n} 次）";
    ONE_FOR_ALL = "one request for all waits for {host} (try {n})", "由一个请求试探 {host}（第 {n} 次）";
    AFTER = "after {why}", "原因：{why}";
    ITS_TURN = "waiting for a turn at {host}", "等待轮到向 {host} 请求";
    LAST_WORD = "{age} since go began to download {name}", "go 开始下载 {name} 已 {age}";
    NO_ANSWER = "{host} has sent nothing for {age}", "{host} 已 {age}没有发送数据";
    NEXT_ATTEMPT = "attempt {attempt} begins in {left}", "{left}后开始第 {attempt} 次运行";
    NO_NETWORK = "waiting for a network, {left} at most", "等待网络恢复，最多 {left}";
    NOTHING_MOVES = "nothing has moved for {age}; go counts as stalled after {end}", "已 {age}没有动静；{end}后视为停滞";
    BUDGET = "budget {left}", "时限还剩 {left}";
    SECONDS = "{seconds} s", "{seconds} 秒";
    MINUTES = "{minutes} min", "{minutes} 分";
    MINUTES_AND_SECONDS = "{minutes} min {seconds} s", "{minutes} 分 {seconds} 秒";
    STILL_WAITING = "waiting for the network for {age}: {facts}", "等待网络已 {age}：{facts}";
    AND = "{first}, {then}", "{first}，{then}";
    AND_THEN = "{first}; {then}", "{first}；{then}";
}
