//! What `gox explain` adds: its labels, places, and what gox would do.

use super::phrases;

phrases! {
    NO_FAILURE = "No failure of go's is in this text.", "这段文本中没有 go 的失败信息。";
    RUN = "run", "命令";
    FAILED = "failed", "问题";
    WHERE = "where", "位置";
    MODULE = "module", "模块";
    URL = "url", "网址";
    GOX = "gox", "gox 会";
    YOU = "you", "您可以";
    BECAUSE = "because", "依据";
    ALSO = "also", "另有";
    EVIDENCE = "evidence", "原文";
    YOUR_RULE = "your rule at {origin} says so", "您在 {origin} 的规则这样要求";
    MORE = "{number} more: {others}", "{number} 个问题：{others}";
    LINE = "line {number}: {words}", "第 {number} 行：{words}";
    PROXY = "the module proxy {place}", "模块代理 {place}";
    SITE = "the module's own site (go-get discovery) {place}", "模块自己的网站（go-get 查询）{place}";
    VCS = "version control {place}", "版本控制 {place}";
    SUMDB = "the checksum database {place}", "校验和数据库 {place}";
    TOOLCHAIN = "the download of a Go toolchain {place}", "Go 工具链下载 {place}";
    CACHE = "the cache on this machine {place}", "本机缓存 {place}";
    LOCAL = "this machine {place}", "本机 {place}";
    RUN_AGAIN = "would run go again", "再次运行 go";
    STOP = "would stop", "停止";
    NEXT_OR_LATER = "would run go again, with the next proxy of GOPROXY first or the same one later", "再次运行 go：先问 GOPROXY 中的下一个代理，或稍后再问同一个";
    WAIT = "would wait, then run go again", "等待一会儿，再运行 go";
    LIMIT_GIT = "would run go again, with a limit on git's stalls", "再次运行 go，并限制 git 的停顿时间";
    PASS_OVER = "would pass over that place for a while and ask the next proxy of GOPROXY", "暂时跳过该处，改问 GOPROXY 中的下一个代理";
    FIND_OUT = "would find out what hides behind these words, then ask again or stop", "先查明真正的原因，再决定重试还是停止";
    ANOTHER_WAY = "would ask the database by another way (never without it)", "换一条途径访问数据库（绝不跳过校验）";
    CHECK_AND_REFETCH = "would check the cached file, fetch it once more, and stop if the hash stays wrong", "检查缓存文件并重新下载；若哈希值仍不符则停止";
    REMOVE_DAMAGED = "would remove what it finds damaged, that file only, and run go again", "只删除确认损坏的文件，再运行 go";
    DIRECT_IF_PRIVATE = "would fetch it directly if your settings call it private, else stop", "若您的设置表明它是私有模块则直接获取，否则停止";
    ONCE_MORE = "would ask once more if the host serves other modules, else stop", "若该服务器能提供其他模块则再问一次，否则停止";
    HELPLESS = "would stop: repeating cannot help", "停止：重试没有用";
}
