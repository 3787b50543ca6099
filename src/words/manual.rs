//! What the help of each verb of gox's own says. The English is the parser's own description, by which the Chinese
//! is found; a test holds the two together.

use super::{Language, phrases};

phrases! {
    EXPLAIN = "Read the output of a failed go command, tell the cause and what gox would do", "读取失败的 go 命令的输出，说明原因以及 gox 会怎么做";
    EXPLAIN_FILE = "The output; -: standard input; nothing: what is piped in, or on a terminal the last run that failed", "该输出；-：标准输入；不写：通过管道传入的内容，在终端上则为上一次失败的运行";
    EXPLAIN_REPLAY = "Decide again what a record (--record) tells of", "对记录（--record）中的情况重新作出判断";
    FORMAT = "How to print it", "输出格式";
    HELP = "Print this help", "显示此帮助";
    DOCTOR = "Tell what is wrong with the network, the proxies and this machine", "诊断网络、代理和本机有什么问题";
    DOCTOR_DEEP = "Read everything that go.sum names in the module cache through, however long it takes", "通读模块缓存中 go.sum 列出的全部内容，不限时间";
    DOCTOR_FIX = "Take out of the module cache what is damaged in itself", "从模块缓存中移除自身已损坏的内容";
    DOCTOR_MIRRORS = "Look at the public mirrors too, side by side", "同时检查并对比公共镜像";
    DOCTOR_RESOLVER = "Ask this resolver for the addresses of public hosts too", "同时向这个 DNS 服务器查询公共主机的地址";
    DOCTOR_LATENCY = "Fail where a MODULE takes longer than this, such as 500ms or 2s", "若某个 MODULE 用时超过该值（如 500ms、2s）则失败";
    DOCTOR_MODULES = "Modules that are to be had as well", "还要检查能否取得的模块";
    HISTORY = "List earlier runs that met the network", "列出以前用到网络的运行";
    HISTORY_NUMBER = "At most so many, the latest; 20 where nothing else is said", "最多列出最近多少条；默认 20 条";
    HISTORY_SINCE = "Not longer ago than this, such as 7d or 12h", "只列出这段时间以内的，如 7d、12h";
    HISTORY_SUMMARY = "Count faults by host and cause, and what remedies did", "按主机和原因统计故障，以及各种补救的效果";
    CONFIG = "Show every setting and where it comes from", "显示每项设置及其来源";
    CONFIG_INIT = "Write a gox.toml with every key, explained and commented out", "写出一份 gox.toml，其中列出每个键及说明（均已注释掉）";
    CONFIG_PROJECT = "At the root of this repository, rather than your own", "写在当前仓库的根目录，而不是您自己的配置目录";
    CONFIG_FOR = "With what suits a place set: cn also asks the mirrors there, ci keeps nothing, company asks no others", "按使用场所预先设置：cn 还会询问国内镜像，ci 不保留任何记录，company 不询问其他主机";
    CONFIG_SET = "Set a key in your own gox.toml", "在您自己的 gox.toml 中设置一个键";
    CONFIG_KEY = "The key, as in gox.toml", "键，写法同 gox.toml";
    CONFIG_VALUE = "Its value; lists with commas", "它的值；列表用逗号分隔";
    EVICT = "Take a module version, or all of a module, out of the module cache", "从模块缓存中移除模块的某个版本或全部版本";
    EVICT_MODULE = "MODULE@VERSION, or MODULE for all its versions", "MODULE@VERSION；只写 MODULE 表示它的全部版本";
    EVICT_REFETCH = "Fetch it anew at once", "随即重新下载";
    PRIVATE = "Say which modules are private", "声明哪些模块是私有的";
    PRIVATE_ADD = "Add a pattern to your own gox.toml", "向您自己的 gox.toml 添加一个模式";
    PRIVATE_PATTERN = "In the syntax of GOPRIVATE: git.example.com, github.com/acme/*", "写法同 GOPRIVATE：git.example.com、github.com/acme/*";
    PRIVATE_LIST = "Show the patterns and where they come from", "显示这些模式及其来源";
    PRIVATE_REMOVE = "Take a pattern out of your own gox.toml", "从您自己的 gox.toml 中去掉一个模式";
    PRIVATE_REMOVED = "As it was added", "与添加时的写法相同";
    SHIM = "Have everything that calls go call gox: a link named go, early on PATH", "让调用 go 的程序都改用 gox：在 PATH 靠前处放一个名为 go 的链接";
    SHIM_STATUS = "Tell which go a shell finds, and whether that is gox", "说明 shell 会找到哪个 go，以及它是否是 gox";
    SHIM_INSTALL = "Put a link named go into a folder", "在某个目录中放一个名为 go 的链接";
    SHIM_FOLDER = "The folder; nothing: ~/.local/share/gox/bin", "该目录；默认为 ~/.local/share/gox/bin";
    SHIM_WRAPPER = "A script of two lines in place of the link, for those who follow links", "用两行的脚本代替链接，供会解析链接的程序使用";
    SHIM_REMOVE = "Take the link or the script away again", "去掉该链接或脚本";
    COMPLETIONS = "Print the completions of a shell", "输出 shell 的补全脚本";
    COMPLETIONS_SHELL = "The shell", "shell 的名称";
}

/// What the parser says, in this language.
pub(crate) fn in_language(said: &str, language: Language) -> &str {
    let row = ALL.iter().map(|(_, row)| row).find(|row| row.en == said);
    match (row, language) {
        (Some(row), Language::Chinese) => row.zh,
        _ => said,
    }
}
