//! What a run says of itself: what it does between attempts, and how it ended.

use super::phrases;

phrases! {
    ASKED_FIRST = "asked {entry} first: {resting} did not answer a short while ago", "先问了 {entry}：{resting} 不久前没有响应";
    RELAY_FROM_THE_START = "the relay serves from the start", "relay 从一开始就在工作";
    DIAGNOSING = "go's words name no cause: one attempt to find out", "go 的输出没有说明原因：再运行一次以查明";
    AWAITING_NETWORK = "{reason}; waiting up to {seconds} s for one", "{reason}；最多等待 {seconds} 秒";
    AGAIN_IN = "trying again in {seconds} s (attempt {attempt})", "{seconds} 秒后重试（第 {attempt} 次）";
    ASKING_FOR_LIFE = "{host} still does not answer; go runs again as soon as it does", "{host} 仍无响应；一旦恢复就重新运行 go";
    AGAIN = "trying again (attempt {attempt})", "正在重试（第 {attempt} 次）";
    ASKED_SOMEBODY = "you were asked something in this attempt, and the next one will ask again", "这次运行向您提了问，下一次运行会再问一遍";
    AND = "{first}, {then}", "{first}，{then}";
    BECAUSE = "{reason}: {then}", "{reason}：{then}";
    AND_OTHERS = "{what} (and {others} more)", "{what}（另有 {others} 个问题）";
    ASKING_MIRROR = "asking the mirror {entry} (turn this off with GOX_MIRRORS=none)", "改问镜像 {entry}（可用 GOX_MIRRORS=none 关闭）";
    ASKED_MIRROR = "asked the mirror {entry} (turn this off with GOX_MIRRORS=none)", "使用了镜像 {entry}（可用 GOX_MIRRORS=none 关闭）";
    ASKING_ORIGIN = "asking the origin directly", "直接访问源站";
    ASKING_FIRST = "asking {entry} first", "先问 {entry}";
    REMOVED = "removed the damaged {file} of {what}", "已删除 {what} 损坏的 {file}";
    SET_ASIDE = "the cached {file} of {what} is not what go.sum says: set aside for a fresh one", "缓存中 {what} 的 {file} 与 go.sum 不符：已移开，重新下载";
    PRIVATE = "GOPRIVATE={pattern} for this run: no proxy and no checksum database for it", "本次运行设置 GOPRIVATE={pattern}：不经过代理和校验和数据库";
    NO_PROXY = "GONOPROXY={pattern} for this run: no proxy for it", "本次运行设置 GONOPROXY={pattern}：不经过代理";
    SUMDB = "asking the checksum database at {host}", "改问 {host} 上的校验和数据库";
    HTTP1 = "HTTP/2 off", "关闭 HTTP/2";
    HTTP2_AGAIN = "HTTP/2 on again", "重新启用 HTTP/2";
    NO_MLKEM = "smaller TLS greetings (tlsmlkem=0)", "缩小 TLS 握手报文（tlsmlkem=0）";
    RELAY = "gox now asks for each file again by itself", "改由 gox 逐个文件重试";
    RELAY_AND_MIRRORS = "gox now asks for each file again by itself, last at {mirrors} (turn this off with GOX_MIRRORS=none)",
        "改由 gox 逐个文件重试，最后才问 {mirrors}（可用 GOX_MIRRORS=none 关闭）";
    WAITED_BEFORE = "a run waited for the same in vain a few minutes ago, so this one did not wait long (with --budget 5m it does)",
        "几分钟前已有一次运行为此白等，所以这次没有久等（需要久等可用 --budget 5m）";
    GOT_THROUGH = "got through with attempt {attempt} after this: {causes}; what helped: {cure}; {total} s in all, {last} s of them in that attempt",
        "第 {attempt} 次运行成功；之前的问题：{causes}；解决办法：{cure}；共 {total} 秒，其中这次运行 {last} 秒";
    ANOTHER_TRY = "another try", "再试一次";
    WAITED_OUT = "{what}; asked again until it was over: {seconds} s without progress", "{what}；反复重试直到恢复：{seconds} 秒没有进展";
    RECEIPT = "{modules} modules, {bytes} in {time}; go alone would have waited at least {rounds} round trips of {ms} ms",
        "{modules} 个模块，{bytes}，用时 {time}；只用 go 至少要等 {rounds} 次往返，每次 {ms} 毫秒";
    LIST = "{first}; {then}", "{first}；{then}";
    AND_MORE = "{names} and {more} more", "{names} 等（还有 {more} 个）";
    A_FAULT = "a fault", "一次故障";
    WHAT_GOX_DID = "what gox did", "gox 做了什么";
    NOT_RETRIED = "not retried: {reason}", "未重试：{reason}";
    HINT = "hint: {hint}", "建议：{hint}";
    HINT_AND_MORE = "hint: {hint}; more: `gox explain`, `gox doctor`", "建议：{hint}；详情：`gox explain`、`gox doctor`";
    INCOMPLETE = "go exits 0 all the same: what it printed lacks what could not be loaded",
        "go 仍以 0 退出：它的输出缺少未能加载的部分";
    LEFT_TO_GO = "left to go, {what}", "交给 go 处理：{what}";
    WAS_DAMAGE = "a checksum mismatch of {names} was damage, not an altered module: it matches now",
        "{names} 的校验和不符（mismatch）是传输损坏，不是模块被篡改：现已相符";
    CANNOT_REMEMBER = "cannot remember this in {path}: {error}", "无法记录到 {path}：{error}";
    CANNOT_REPORT = "cannot write the report {path}: {error}", "无法写入报告 {path}：{error}";
    CANNOT_RECORD = "cannot write the record {path}: {error}", "无法写入记录 {path}：{error}";
    CANNOT_JOURNAL = "cannot write the journal: {error}", "无法写入日志：{error}";
    ASKING_NOBODY_ELSE = "asking nobody but whom go asks, for {why}", "只问 go 会问的服务器，因为 {why}";
    WITHOUT_RELAY = "going on without the relay: {why}", "不使用 relay 继续：{why}";
}
