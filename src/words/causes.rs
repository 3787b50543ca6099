//! What happened: one sentence for each cause at each source.

use super::reading::{self, Certificate};
use super::{Part, Phrase, Text, phrases};
use crate::vocabulary::{Behind, Cause, Detail, Failure, Source};

phrases! {
    THE_MODULE = "the module", "该模块";
    THE_PROXY = "the module proxy", "模块代理";
    THE_SITE = "the module's own site", "模块自己的网站";
    THE_REPOSITORY = "the repository", "代码仓库";
    THE_DATABASE = "the checksum database", "校验和数据库";
    DATABASE_AT = "the checksum database {host}", "校验和数据库（{host}）";
    DATABASE_BEHIND = "{host} (for the checksum database)", "{host}（代为转发校验和数据库）";
    THE_TOOLCHAINS = "the server of Go toolchains", "Go 工具链服务器";
    HERE = "this machine", "本机";
    HTTP_PROXY = "the HTTP proxy {host}", "HTTP 代理 {host}";
    HTTP_PROXY_BEFORE = "the HTTP proxy on the way to {host}", "通往 {host} 途中的 HTTP 代理";
    THE_HTTP_PROXY = "the HTTP proxy", "HTTP 代理";
    ADDRESS = "{host} (at {address})", "{host}（地址 {address}）";
    EOF = "{who} ended the connection before its answer was whole", "{who} 没发完数据就断开了连接";
    RESET = "the connection to {who} was cut", "与 {who} 的连接被重置";
    SLOW = "{who} did not answer in time", "{who} 迟迟没有响应";
    SLOW_HANDSHAKE = "{who} did not finish the TLS handshake in time", "与 {who} 的 TLS 握手超时";
    HTTP2 = "the HTTP/2 connection to {who} broke", "与 {who} 的 HTTP/2 连接中断";
    TROUBLE = "{who} has trouble of its own", "{who} 自身出了故障";
    TROUBLE_STATUS = "{who} answered {status}: it has trouble of its own", "{who} 返回 {status}，对方服务器自身出了故障";
    SILENT = "{who} stopped sending", "{who} 不再发送数据";
    PAGE = "{who} sent a web page instead of a file", "{who} 返回的是网页，而不是文件";
    GARBAGE = "{who} sent something that is no file of a module proxy's", "{who} 返回的内容不是模块代理应有的文件";
    LOOP = "{who} sends every request on in circles", "{who} 的重定向陷入循环";
    SAME_FOR_ALL = "{who} sent the same bytes for different files", "{who} 对不同的文件返回了相同的内容";
    PLAIN = "{who} speaks plain HTTP where TLS was due", "{who} 应该使用 TLS，实际返回的却是明文 HTTP";
    NO_META = "{who} names no repository for {module}", "{who} 没有给出 {module} 的仓库地址";
    BUSY = "{who} asks to be asked less often (429)", "{who} 限制了请求频率（429）";
    NOBODY = "nobody listens at {who}", "{who} 上没有服务在监听";
    NO_NAME = "the name {host} does not resolve", "域名 {host} 无法解析";
    NO_RESOLVER = "this machine's DNS gives no answer, not for {host} either", "本机的 DNS 没有响应，{host} 也无法解析";
    NO_WAY = "there is no way from here to {who}", "从本机无法到达 {who}";
    EXPIRED = "the certificate of {who} has expired", "{who} 的证书已过期";
    NOT_YET = "the certificate of {who} is not valid yet by this machine's clock", "按本机时钟，{who} 的证书尚未生效";
    NOT_YET_AT = "the certificate of {who} is not valid yet by this machine's clock ({clock})",
        "按本机时钟（{clock}），{who} 的证书尚未生效";
    OTHER_NAME = "the certificate of {who} is for another name", "{who} 的证书属于另一个域名";
    UNKNOWN = "the certificate of {who} is signed by nobody whom this machine knows", "{who} 的证书由本机不信任的机构签发";
    WEAK = "the certificate of {who} is malformed or too weak", "{who} 的证书格式有误或强度不足";
    HANDSHAKE = "the TLS handshake with {who} failed", "与 {who} 的 TLS 握手失败";
    REFUSED = "{who} refuses {module}", "{who} 拒绝提供 {module}";
    REFUSED_STATUS = "{who} refuses {module} ({status})", "{who} 拒绝提供 {module}（{status}）";
    REFUSED_REASON = "{who} refuses {module}, for the reason it gives", "{who} 拒绝提供 {module}，原因见上面它的说明";
    PROXY_LOGIN = "{who} refuses to let this machine through", "{who} 拒绝放行";
    ABSENT = "{who} has no {module}", "{who} 上没有 {module}";
    LOGIN = "{who} wants a login for {module}", "{who} 要求登录才能获取 {module}";
    CANNOT_SEE = "{who} cannot see {module}: {origin} wants a login", "{who} 无权访问 {module}：{origin} 要求登录";
    STORE = "{origin}, where {who} keeps its files, does not give out {module}", "{who} 存放文件的服务器 {origin} 不提供 {module}";
    OWN_TROUBLE = "{who} could not fetch {module} itself", "{who} 自己也没能获取 {module}";
    MISMATCH = "the copy of {module} from {who} has another hash than it must have", "{who} 提供的 {module} 哈希值不符";
    MISMATCH_HERE = "{module} has another hash than it must have", "{module} 的哈希值不符";
    DATABASE_AWAY = "{who} cannot be reached", "无法连接{who}";
    DATABASE_UNTRUSTED = "the certificate of {who} is not trusted", "{who}的证书不受信任";
    DATABASE_ABSENT = "{who} does not know {module}", "{who}没有 {module} 的记录";
    DATABASE_REFUSED = "{who} refused to answer", "{who}拒绝回答";
    DATABASE_ODD = "{who} did not give a usable answer", "{who}没有给出可用的回答";
    UNFIT = "an answer of {who} does not fit its signed tree", "{who}的一个回答与其已签名的树不一致";
    CONTRADICTS = "{who} contradicts itself or is not signed by its key", "{who}自相矛盾，或没有用其密钥签名";
    DAMAGED = "a file in the module cache is damaged or gone", "模块缓存中有文件损坏或缺失";
    DAMAGED_AT = "{path} is damaged or gone", "{path} 已损坏或缺失";
    NO_RIGHT = "a folder that go needs cannot be written or read", "go 需要的目录无法读写";
    NO_RIGHT_AT = "{path} cannot be written or read", "{path} 无法读写";
    FILE_SYSTEM = "the file system cannot do what go needs of it", "该文件系统不支持 go 所需的操作";
    FULL = "no space is left on the disk", "磁盘空间不足";
    GIT = "git could not talk to {who}", "git 无法与 {who} 正常通信";
    NO_GIT = "the program that fetches the repository is not installed", "没有安装获取该仓库所需的版本控制程序";
    GOVCS = "GOVCS forbids the program that would fetch {module}", "GOVCS 禁止使用获取 {module} 所需的版本控制程序";
    STAMPING = "go cannot ask git for the version to write into the program", "go 无法通过 git 获取要写入程序的版本信息";
    NO_REVISION = "there is no such version, branch or commit of {module}", "{module} 没有这个版本、分支或提交";
    OTHER_PATH = "{module} calls itself by another path", "{module} 在 go.mod 中声明的路径与此不同";
    NO_PACKAGE = "no module provides the package", "没有模块提供这个包";
    NO_REPLACEMENT = "the folder that a replace of go.mod puts in place of {module} is not there", "go.mod 中用 replace 代替 {module} 的目录不存在";
    OLD_GO = "this go is too old", "当前的 go 版本过旧";
    NO_TOOLCHAIN = "the Go toolchain that go.mod asks for could not be fetched", "go.mod 要求的 Go 工具链无法下载";
    NO_SUCH_TOOLCHAIN = "GOTOOLCHAIN names no Go toolchain", "GOTOOLCHAIN 的值不是有效的 Go 工具链";
    SYNTAX = "go.mod, go.sum, go.work or a module path cannot be read", "go.mod、go.sum、go.work 或模块路径无法解析";
    TWO_MODULES = "two modules provide the package", "有两个模块提供同一个包";
    FORBIDDEN = "the rules of go forbid this import", "go 的规则不允许这样导入";
    CODE = "the code does not compile", "代码无法编译";
    TEST = "a test failed", "测试未通过";
    OFF = "GOPROXY=off forbids to ask anybody", "GOPROXY=off 禁止访问网络";
    KILLED = "the process was killed, most likely for its memory", "进程被杀死，很可能是内存不足";
    ODD = "{who} gave an answer that means nothing to go", "{who} 的回答对 go 没有意义";
    ODD_STATUS = "{who} refuses {module} with status {status}", "{who} 以状态码 {status} 拒绝提供 {module}";
    OTHER = "go failed for a reason that trying again does not mend", "go 失败，重试无法解决";
    NOTHING = "nothing failed", "没有失败";
}

/// The machine that failed, as a person knows it.
pub(crate) fn who(failure: &Failure) -> Text {
    let between = failure.detail == Detail::HttpProxy;
    if between && let Some(proxy) = failure.facts.between.as_deref().or(reading::dialled(failure)) {
        return HTTP_PROXY.with(&[("host", &proxy)]);
    }
    let Some(host) = &failure.host else {
        return Text::from(match failure.source {
            _ if between => THE_HTTP_PROXY,
            Some(Source::Proxy) => THE_PROXY,
            Some(Source::Direct) => THE_SITE,
            Some(Source::Vcs) => THE_REPOSITORY,
            Some(Source::Sumdb) => THE_DATABASE,
            Some(Source::Toolchain) => THE_TOOLCHAINS,
            Some(Source::Cache | Source::Local) | None => HERE,
        });
    };
    if between {
        let known = reading::names_the_http_proxy(failure);
        return if known { HTTP_PROXY } else { HTTP_PROXY_BEFORE }.with(&[("host", host)]);
    }
    let host: Text = match reading::dialled(failure) {
        Some(address) => ADDRESS.with(&[("host", host), ("address", &address)]),
        None => Text::plain(host),
    };
    match failure.source {
        Some(Source::Sumdb) if reading::is_passed_on(failure) => DATABASE_BEHIND.with(&[("host", &host)]),
        Some(Source::Sumdb) => DATABASE_AT.with(&[("host", &host)]),
        _ => host,
    }
}

/// The module that was asked for, with its version.
pub(crate) fn module(failure: &Failure) -> Text {
    match (&failure.module, &failure.version) {
        (Some(module), Some(version)) => Text::plain(format!("{module}@{version}")),
        (Some(module), None) => Text::plain(module),
        (None, _) => THE_MODULE.into(),
    }
}

/// What happened, in one sentence.
pub(crate) fn happened(failure: &Failure) -> Text {
    fill(phrase(failure), failure)
}

/// A phrase with what is known of the failure in it.
pub(super) fn fill(phrase: Phrase, failure: &Failure) -> Text {
    let (who, module) = (who(failure), module(failure));
    let host: &dyn Part = match &failure.host {
        Some(host) => host,
        None => &who,
    };
    let status = failure.facts.status.map(|status| status.to_string()).unwrap_or_default();
    let path = failure.facts.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let clock = reading::clock(failure).unwrap_or_default();
    let origin = match &failure.facts.behind {
        Some(Behind::Login(host) | Behind::Store(host)) => host.as_str(),
        Some(Behind::Trouble) | None => "",
    };
    let bare = failure.module.as_deref().unwrap_or("MODULE");
    phrase.with(&[
        ("who", &who),
        ("host", host),
        ("module", &module),
        ("bare", &bare),
        ("origin", &origin),
        ("status", &status),
        ("path", &path),
        ("clock", &clock),
    ])
}

/// The row of the table: exhaustive in the cause, the source and detail where they change the sentence.
#[allow(clippy::too_many_lines, reason = "the table itself: a row for each cause, and no logic")]
pub(super) fn phrase(failure: &Failure) -> Phrase {
    let Failure { source, detail, facts, .. } = failure;
    let or = |known: bool, this: Phrase, other: Phrase| if known { this } else { other };
    let database = *source == Some(Source::Sumdb);
    let verdict = matches!(failure.cause, Cause::Http403 | Cause::Http404410 | Cause::PrivateAuth);
    match &facts.behind {
        Some(Behind::Login(_)) if verdict => return CANNOT_SEE,
        Some(Behind::Trouble) if verdict => return OWN_TROUBLE,
        Some(Behind::Store(_)) if verdict => return STORE,
        Some(Behind::Login(_) | Behind::Trouble | Behind::Store(_)) | None => {}
    }
    match failure.cause {
        Cause::Eof => EOF,
        Cause::ConnReset => RESET,
        Cause::Timeout => or(*detail == Detail::Handshake, SLOW_HANDSHAKE, SLOW),
        Cause::Http2 => HTTP2,
        Cause::Http5xx => or(facts.status.is_some(), TROUBLE_STATUS, TROUBLE),
        Cause::Stalled => SILENT,
        Cause::CaptiveOrHtml => match detail {
            Detail::PlainHttp => PLAIN,
            Detail::NoMetaTags => NO_META,
            _ if reading::is_loop(failure) => LOOP,
            _ if reading::is_same_for_all(failure) => SAME_FOR_ALL,
            _ => or(reading::is_page(failure), PAGE, GARBAGE),
        },
        Cause::Http429 => BUSY,
        Cause::ConnRefused => NOBODY,
        Cause::Dns => or(*detail == Detail::Resolver, NO_RESOLVER, NO_NAME),
        Cause::Unreachable => NO_WAY,
        Cause::TlsCert => match reading::certificate(failure) {
            Certificate::Expired => EXPIRED,
            Certificate::NotYet => or(reading::clock(failure).is_some(), NOT_YET_AT, NOT_YET),
            Certificate::OtherName => OTHER_NAME,
            Certificate::Unknown => UNKNOWN,
            Certificate::Weak => WEAK,
            Certificate::Handshake => HANDSHAKE,
        },
        Cause::Http403 if *detail == Detail::HttpProxy => PROXY_LOGIN,
        Cause::Http403 if *detail == Detail::Reasoned => REFUSED_REASON,
        Cause::Http403 if database => DATABASE_REFUSED,
        Cause::Http403 => or(facts.status.is_some(), REFUSED_STATUS, REFUSED),
        Cause::Http404410 => or(database, DATABASE_ABSENT, ABSENT),
        Cause::PrivateAuth if *detail == Detail::HttpProxy => PROXY_LOGIN,
        Cause::PrivateAuth => LOGIN,
        Cause::ChecksumMismatch => or(failure.host.is_some(), MISMATCH, MISMATCH_HERE),
        Cause::SumdbUnreachable => match detail {
            Detail::Away => DATABASE_AWAY,
            Detail::Untrusted => DATABASE_UNTRUSTED,
            Detail::Absent => DATABASE_ABSENT,
            Detail::Refused => DATABASE_REFUSED,
            _ => DATABASE_ODD,
        },
        Cause::SumdbMisbehaviour => or(*detail == Detail::Unfit, UNFIT, CONTRADICTS),
        Cause::CacheCorrupt => or(facts.path.is_some(), DAMAGED_AT, DAMAGED),
        Cause::CachePermission if reading::is_of_the_file_system(failure) => FILE_SYSTEM,
        Cause::CachePermission => or(facts.path.is_some(), NO_RIGHT_AT, NO_RIGHT),
        Cause::DiskFull => FULL,
        Cause::GitNetwork => GIT,
        Cause::VcsMissing if reading::is_forbidden_by_govcs(failure) => GOVCS,
        Cause::VcsMissing => or(reading::is_stamping(failure), STAMPING, NO_GIT),
        Cause::UnknownRevision => NO_REVISION,
        Cause::PathMismatch => OTHER_PATH,
        Cause::MissingPackage => or(reading::is_replaced_by_nothing(failure), NO_REPLACEMENT, NO_PACKAGE),
        Cause::GoVersion => OLD_GO,
        Cause::ToolchainDownload => {
            or(reading::is_misspelt_toolchain(failure), NO_SUCH_TOOLCHAIN, NO_TOOLCHAIN)
        }
        Cause::GoModSyntax => SYNTAX,
        Cause::AmbiguousImport => TWO_MODULES,
        Cause::ImportRestriction => FORBIDDEN,
        Cause::CompileError => CODE,
        Cause::TestFailure => TEST,
        Cause::ProxyOff => OFF,
        Cause::OomKilled => KILLED,
        Cause::Other if *detail == Detail::Reasoned => REFUSED_REASON,
        Cause::Other if *detail == Detail::Odd => or(facts.status.is_some(), ODD_STATUS, ODD),
        Cause::Other => or(reading::is_of_the_file_system(failure), FILE_SYSTEM, OTHER),
        Cause::None => NOTHING,
    }
}
