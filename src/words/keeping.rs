//! What the verbs say that keep something, take something away or put it back: private, evict, shim, config.

use super::phrases;

phrases! {
    NOTHING_PRIVATE = "no module is private by name", "没有按名称声明的私有模块";
    PRIVATE_ALREADY = "{pattern} is private already, by {path}", "{pattern} 已在 {path} 中声明为私有";
    PRIVATE_NOW = "{pattern} is private now, by {path}", "{pattern} 现已在 {path} 中声明为私有";
    PRIVATE_NO_MORE = "{pattern} is private no more, by {path}", "{path} 不再把 {pattern} 声明为私有";
    MEANS_NO_MIRROR = "  no mirror is asked for such a module, and once every proxy that go asks has said 403, 404 or 410, gox sets",
        "  不会向镜像询问这样的模块；当 go 询问的所有代理都回答 403、404 或 410 后，gox 会为它设置";
    MEANS_DIRECT = "  GOPRIVATE for it: go fetches it from its own host, without the checksum database", "  GOPRIVATE：go 从其源站获取，不经校验和数据库";
    NO_GO_SUM = "  there is no go.sum here to look into", "  这里没有 go.sum 可供查看";
    NONE_MATCHES = "  no module of the go.sum here matches it", "  这里的 go.sum 中没有与之匹配的模块";
    ONE_MATCHES = "  the go.sum here has one that matches: {module}", "  这里的 go.sum 中有一个匹配的模块：{module}";
    SOME_MATCH = "  the go.sum here has {count} that match: {module}, ...", "  这里的 go.sum 中有 {count} 个匹配的模块：{module} 等";
    HAS_LOGIN = "  your .netrc has a login for {host}", "  您的 .netrc 中有 {host} 的登录信息";
    ELSEWHERE = "here {key} comes from elsewhere: {origin}", "此处 {key} 的值来自别处：{origin}";
    WROTE = "wrote {path}", "已写入 {path}";
    LINK_ALREADY = "{link} leads to gox already", "{link} 已经指向 gox";
    SCRIPT_ALREADY = "{link} calls gox already", "{link} 已经会调用 gox";
    SCRIPT_CALLS = "{link} calls {gox}", "{link} 会调用 {gox}";
    NOT_FIRST = "shells do not find it first yet; put this into your shell's start file:", "shell 还不会先找到它；请把下面这行写入 shell 的启动文件：";
    LINK_ABSENT = "{link} is not there", "{link} 不存在";
    LINK_REMOVED = "removed {link}", "已删除 {link}";
    OTHER_GO = "another go", "别的 go";
    NO_GO_ON_PATH = "no go on PATH", "PATH 中没有 go";
    FINDS_GOX = "a shell that looks for go finds gox", "shell 查找 go 时会找到 gox";
    FINDS_GO = "a shell that looks for go finds go itself; `gox shim install` changes that", "shell 查找 go 时会找到 go 本身；可用 `gox shim install` 改变";
    HAS_NOTHING = "{what}: {root} has nothing of it", "{what}：{root} 中没有它的任何内容";
    EVICTED = "{what}: evicted, {count} files, {size}", "{what}：已移除，{count} 个文件，{size}";
    EVICTED_ONE = "{what}: evicted, 1 file, {size}", "{what}：已移除，1 个文件，{size}";
    EVICTED_FOLDER = "{what}: evicted, {count} files, its folder among them, {size}", "{what}：已移除，{count} 个文件（含其目录），{size}";
    EVICTED_ONE_FOLDER = "{what}: evicted, 1 file, its folder among them, {size}", "{what}：已移除，1 个文件（含其目录），{size}";
    BYTES = "{n} bytes", "{n} 字节";
    WHAT_WAS_WRONG = "  {path}: {why}", "  {path}：{why}";
    WAS_WELL = "  nothing was wrong with it, by the go.sum here and its own files", "  按这里的 go.sum 和它自己的文件来看，它没有问题";
    WAS_WELL_ALONE = "  nothing was wrong with it, by its own files; no go.sum here has its hash", "  按它自己的文件来看没有问题；这里没有记录其哈希的 go.sum";
    BUILT_IN = "built in", "内置默认值";
    COMMAND_LINE = "command line", "命令行";
    RULE = "rule", "规则";
    FILE = "file", "文件";
    OF_THE_SYSTEM = "system", "系统";
    OF_THE_USER = "user", "用户";
    OF_THE_PROJECT = "project", "项目";
    IGNORED = "ignored: {notice}", "已忽略：{notice}";
    UNKNOWN_VARIABLE = "{name} is not known to gox; did you mean {known}?", "gox 不认识 {name}；您是不是想写 {known}？";
}
