//! Why gox stops, and what it tells with it: verdicts that say more than what happened.

use super::phrases;

phrases! {
    INTERRUPTED = "interrupted", "已中断";
    ENDED_BY_SIGNAL = "go was ended by signal {signal}", "go 被信号 {signal} 终止";
    UNKNOWN = "go failed for a cause that gox does not know", "go 失败，原因 gox 无法识别";
    NAMELESS = "go's words name no cause", "go 的输出没有说明原因";
    STILL_NO_NETWORK = "still no network here: gave up", "本机仍然没有网络，已放弃";
    NO_NETWORK = "no network here ({why})", "本机没有网络（{why}）";
    PLUG_IN = "check cable, Wi-Fi or VPN of this machine, then run the command again", "检查本机的网线、Wi-Fi 或 VPN，然后重新执行命令";
    GAVE_UP_ONCE = "gave up in {seconds} s: {what}", "已放弃（用时 {seconds} 秒）：{what}";
    GAVE_UP = "gave up after {tries} attempts in {seconds} s: {what}", "已放弃（{seconds} 秒内运行 go {tries} 次）：{what}";
    GAVE_UP_BUDGET = "gave up after {seconds} s, for the budget of {budget} s is used up: {what}", "已放弃（用时 {seconds} 秒，时限 {budget} 秒已用完）：{what}";
    OF_MODULES = "{what} ({modules} modules)", "{what}（涉及 {modules} 个模块）";
    HELPLESS = "{what}: repeating cannot help", "{what}，重试没有用";
    PINNED = "{what}, which go.sum pins: it was there once", "{what}，但 go.sum 中有它的记录：以前是有的";
    YOUR_RULE = "a rule of yours says stop", "您自己的规则要求停止";
    DAMAGED_AGAIN = "{path} is damaged again and again", "{path} 反复损坏";
    SAME_DAMAGE = "the same local damage again: {what}", "同样的本地损坏再次出现：{what}";
    UNLOCATED = "something is damaged that gox cannot find: {what}", "有数据损坏，但 gox 找不到位置：{what}";
    CONTRADICTS_AT_ONCE = "{what}: nothing is tried again", "{what}，不再重试";
    SENDS_DAMAGED = "{host} sends a damaged {module}: {why}, the same {bytes} bytes in {tries} tries",
        "{host} 提供的 {module} 已损坏（{why}），{tries} 次下载都是同样的 {bytes} 字节";
    WRONG_HASH = "{downloads} separate downloads of {module} from {who} have the same wrong hash: downloaded {got}, expected {expected}",
        "从 {who} {downloads} 次独立下载的 {module} 哈希值都不符：得到 {got}，应为 {expected}";
    WRONG_HASH_HOSTS = "{downloads} separate downloads of {module} from different hosts have the same wrong hash: downloaded {got}, expected {expected}",
        "从不同主机 {downloads} 次独立下载的 {module} 哈希值都不符：得到 {got}，应为 {expected}";
    STILL_WRONG = "{module} still does not match: downloaded {got}, expected {expected}",
        "{module} 的哈希值仍然不符：得到 {got}，应为 {expected}";
    NOBODY_ELSE = "{what}, and nobody else may be asked", "{what}，且没有其他服务器可问";
    VERIFY = "what `go mod verify` finds is for you to judge: gox changes none of it", "`go mod verify` 发现的问题需要您自己判断，gox 不会改动";
    OFFLINE_CHOOSES = "--offline: this command chooses versions; only commands whose versions go.mod fixes can run offline",
        "--offline：该命令需要选择版本；只有版本由 go.mod 确定的命令才能离线运行";
    OFFLINE_NO_CACHE = "--offline: no module cache is known", "--offline：不知道模块缓存的位置";
    OFFLINE_LACKS = "--offline: the module cache has no whole {module}@{version}; run gox mod download first", "--offline：模块缓存中没有完整的 {module}@{version}；请先执行 gox mod download";
    SAY_PRIVATE = "if it is private, say so: `gox private add {pattern}` (for one run: GOX_PRIVATE={pattern})",
        "若是私有模块，请声明：`gox private add {pattern}`（仅本次：GOX_PRIVATE={pattern}）";
    OPEN_LIST = "if the others of your list may be asked instead: GOPROXY='{list}'", "如果允许改问列表中的其他代理：GOPROXY='{list}'";
}
