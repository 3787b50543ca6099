//! What git, the C library and Windows say in other languages, put into English before it is read.
//!
//! gox has the go that it runs speak English. What people paste was said to somebody else: Chinese for the
//! messages that matter; of other languages, what one word of the C library's or of git's decides.

use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Patterns (after the wide punctuation became ASCII) and what they say in English, longer ones first where
/// one begins like another.
const WORDS: &[(&str, &str)] = &[
    // git's labels
    ("致命错误: ?|致命錯誤: ?|Schwerwiegend: ", "fatal: "),
    ("错误: ?|錯誤: ?|Fehler: |erreur : |エラー: ", "error: "),
    ("警告: ?", "warning: "),
    ("提示: ?", "hint: "),
    ("远程: ?|遠端: ?|remote : ", "remote: "),
    // git and its transports
    (
        "无法访问 ?'|無法存取 ?'|konnte nicht auf '|impossible d'accéder à '|no es posible acceder a '|невозможно получить доступ к «",
        "unable to access '",
    ),
    (
        "(?:无法|不能|無法)(?:读取|讀取)(?:远程|遠端|遠程)?(?:仓库|版本库|版本庫|儲存庫)[.。]?|Konnte nicht vom Remote-Repository lesen|Impossible de lire le dépôt distant|No se pudo leer del repositorio remoto|リモートリポジトリから読み取れませんでした|Не удалось прочитать из внешнего репозитория",
        "Could not read from remote repository.",
    ),
    ("(?:无法|不能|無法)(?:读取|讀取) ?(Username|Password|')", "could not read Username $1"),
    ("终端提示(?:已|被)?禁用|終端機提示已停用", "terminal prompts disabled"),
    ("(?:鉴权|认证|身份验证|身份驗證|認證)(?:失败|失敗)", "Authentication failed"),
    ("(?:仓库|版本库|版本庫|儲存庫) ?('[^']*') ?(?:未找到|不存在|未發現|找不到)", "repository $1 not found"),
    ("(?:未找到|找不到)(?:仓库|版本库|版本庫|儲存庫)", "Repository not found"),
    ("(?:无法找到|不能找到|找不到|無法找到)(?:远程|远端|遠端)引用", "couldn't find remote ref"),
    ("不是(?:一个|一個)? ?git (?:仓库|版本库|版本庫)", "not a git repository"),
    ("所有权可疑|可疑的所有权|所有權可疑", "dubious ownership"),
    ("RPC (?:失败|失敗)[.;]?", "RPC failed; "),
    ("(?:远端|远程|遠端)意外(?:挂断|断开|中斷)了?(?:连接|連線)?", "The remote end hung up unexpectedly"),
    (r"过早的文件结束符(?:\(EOF\))?|過早的檔案結束符(?:\(EOF\))?|意外的 EOF", "early EOF"),
    ("index-pack (?:失败|失敗)|(?:无效|無效)的 index-pack (?:输出|輸出)", "index-pack failed"),
    ("意外断开连接|意外断开|意外中斷連線", "unexpected disconnect"),
    ("(?:无法|不能|無法)(?:创建|建立)", "unable to create"),
    ("(?:无法|不能|無法)(?:写入|寫入)", "unable to write"),
    (
        "请确认您有正确的访问权限并且仓库存在|請確認您有正確的存取權限並且版本庫存在",
        "Please make sure you have the correct access rights",
    ),
    // the C library
    (
        "权限不够|权限不足|拒絕不符權限的操作|權限不足|Keine Berechtigung|Permission non accordée|Permiso denegado|許可がありません|Отказано в доступе|Permissão negada|Permesso negato",
        "Permission denied",
    ),
    (
        "连接超时|連線逾時|連接逾時|Die Wartezeit für die Verbindung ist abgelaufen|Connexion terminée par expiration du délai d'attente|Expiró el tiempo de conexión|接続がタイムアウトしました|Время ожидания соединения истекло",
        "Connection timed out",
    ),
    ("操作超时|作業逾時", "Operation timed out"),
    (
        "拒绝连接|连接被拒绝|連線被拒絕|拒絕連線|Verbindungsaufbau abgelehnt|Connexion refusée|Conexión rehusada|Conexión rechazada|接続を拒否されました|В соединении отказано",
        "Connection refused",
    ),
    (
        "连接被对方重设|连接被对方重置|连接被重置|連線被對方重設|Die Verbindung wurde vom Kommunikationspartner zurückgesetzt|Connexion ré-initialisée par le correspondant|Соединение разорвано другой стороной",
        "Connection reset by peer",
    ),
    ("断开的管道|管道已断开", "Broken pipe"),
    (
        "网络不可达|網路無法到達|網路不可達|Das Netzwerk ist nicht erreichbar|Le réseau n'est pas accessible|Сеть недоступна",
        "Network is unreachable",
    ),
    (
        "没有到主机的路由|沒有路由至主機|Keine Route zum Zielrechner|Aucun chemin d'accès pour atteindre l'hôte cible",
        "No route to host",
    ),
    (
        "设备上没有(?:剩余)?空间|裝置上沒有空間|設備上沒有空間|Auf dem Gerät ist kein Speicherplatz mehr verfügbar|Aucun espace disponible sur le périphérique|No queda espacio en el dispositivo|デバイスに空き領域がありません|На устройстве не осталось свободного места",
        "No space left on device",
    ),
    ("超出磁盘限额|已超过磁盘配额|超過磁碟配額", "Disk quota exceeded"),
    (
        "没有那个文件或目录|沒有此一檔案或目錄|Datei oder Verzeichnis nicht gefunden|Aucun fichier ou dossier de ce type|No existe el (?:archivo|fichero) o el directorio|そのようなファイルやディレクトリはありません|Нет такого файла или каталога",
        "No such file or directory",
    ),
    ("只读文件系统|唯讀檔案系統", "Read-only file system"),
    ("不允许的操作|此項操作並不被允許", "Operation not permitted"),
    ("无法分配内存|無法配置記憶體", "Cannot allocate memory"),
    ("输入/输出错误|輸入/輸出錯誤", "Input/output error"),
    ("文件已存在|檔案已存在", "File exists"),
    (
        "未知的名称或服务|未知的名稱或服務|Der Name oder der Dienst ist nicht bekannt|Nom ou service inconnu|Nombre o servicio desconocido|名前またはサービスが不明です|Неизвестное имя или служба",
        "Name or service not known",
    ),
    (
        "(?:域名|名称|名稱)解析(?:暂时|暫時)?(?:失败|失敗)|(?:暂时|暫時)(?:的)?(?:域名|名称|名稱)解析(?:失败|失敗|错误)|Temporärer Fehler bei der Namensauflösung|Échec temporaire dans la résolution du nom|Временный сбой в разрешении имен",
        "Temporary failure in name resolution",
    ),
    ("没有与主机名关联的地址", "No address associated with hostname"),
    // Windows
    (
        "由于目标计算机积极拒绝, ?无法连接[.]?|無法連線, ?因為目標電腦拒絕連線[.]?|Es konnte keine Verbindung hergestellt werden, da der Zielcomputer die Verbindung verweigerte",
        "No connection could be made because the target machine actively refused it.",
    ),
    (
        "由于连接方在一段时间后没有正确答复或连接的主机没有反应, ?连接尝试失败[.]?|連線嘗試失敗, ?因為連線對象有一段時間並未正確回應, ?或是連線建立失敗, ?因為連線的主機無法回應[.]?",
        "A connection attempt failed because the connected party did not properly respond after a period of time.",
    ),
    (
        "远程主机强迫关闭了一个现有的连接[.]?|遠端主機已強制關閉一個現存的連線[.]?",
        "An existing connection was forcibly closed by the remote host.",
    ),
    (
        "(?:您的|你的)主机中的软件中止了一个已建立的连接[.]?",
        "An established connection was aborted by the software in your host machine.",
    ),
    ("不知道这样的主机[.]?|無法識別這台主機[.]?", "No such host is known."),
    ("请求的名称有效, ?但(?:是)?找不到请求的类型的数据[.]?", "no address associated with the name"),
    (
        "向一个无法连接的网络尝试了一个套接字操作[.]?",
        "A socket operation was attempted to an unreachable network.",
    ),
    (
        "向一个无法连接的主机尝试了一个套接字操作[.]?",
        "A socket operation was attempted to an unreachable host.",
    ),
    (
        "以一种访问权限不允许的方式做了一个访问套接字的尝试[.]?",
        "An attempt was made to access a socket in a way forbidden by its access permissions.",
    ),
    ("指定的网络名不再可用[.]?", "The specified network name is no longer available."),
    (
        "拒绝访问[.]?|存取被拒[.]?|Zugriff verweigert|Accès refusé|Acceso denegado|アクセスが拒否されました",
        "Access is denied.",
    ),
    ("磁盘空间不足[.]?|磁碟空間不足[.]?", "There is not enough space on the disk."),
    (
        "系统找不到指定的(?:文件|路径)[.]?|系統找不到指定的(?:檔案|路徑)[.]?|Das System kann (?:die angegebene Datei|den angegebenen Pfad) nicht finden",
        "The system cannot find the file specified.",
    ),
    (
        "另一个程序正在使用此文件, ?进程无法访问[.]?",
        "The process cannot access the file because it is being used by another process.",
    ),
];

static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
    let all: Vec<String> = WORDS.iter().map(|(pattern, _)| format!("(?:{pattern})")).collect();
    Regex::new(&all.join("|")).expect("fixed")
});

/// Each pattern by itself.
static EACH: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    WORDS.iter().map(|(pattern, _)| Regex::new(&format!("^(?:{pattern})$")).expect("fixed")).collect()
});

/// The line in English, as far as it is known here.
pub(super) fn english(line: &str) -> Cow<'_, str> {
    if line.is_ascii() {
        return Cow::Borrowed(line);
    }
    let narrow: String = line.chars().map(narrow).collect();
    let found = PATTERN.replace_all(&narrow, |c: &regex::Captures<'_>| {
        let at = EACH.iter().position(|each| each.is_match(&c[0]));
        at.map_or_else(|| c[0].to_owned(), |at| EACH[at].replace(&c[0], WORDS[at].1).into_owned())
    });
    match found {
        Cow::Borrowed(_) => Cow::Borrowed(line),
        Cow::Owned(english) => Cow::Owned(english),
    }
}

/// Wide punctuation as its narrow kin.
const fn narrow(c: char) -> char {
    match c {
        '\u{ff1a}' => ':',
        '\u{ff0c}' => ',',
        '\u{3002}' => '.',
        '\u{ff1b}' => ';',
        '\u{ff08}' => '(',
        '\u{ff09}' => ')',
        '\u{201c}' | '\u{201d}' | '\u{201e}' => '"',
        '\u{2018}' | '\u{2019}' | '\u{300c}' | '\u{300d}' => '\'',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_known_and_english_stays() {
        for (pattern, _) in WORDS.iter().filter(|(pattern, _)| !pattern.contains(['(', '[', '\\'])) {
            for phrase in pattern.split('|').filter(|p| !p.contains('?')) {
                assert_ne!(english(&format!("é {phrase}")), format!("é {phrase}"), "{phrase}");
            }
        }
        assert_eq!(english("go: a.test/b@v1.0.0: EOF"), "go: a.test/b@v1.0.0: EOF");
        assert_eq!(
            english("致命错误\u{ff1a}无法访问 'https://git.test/'\u{ff1a}连接超时"),
            "fatal: unable to access 'https://git.test/':Connection timed out"
        );
        assert_eq!(
            english("fatal: 不能读取 'https://git.test' 的用户名"),
            "fatal: could not read Username 'https://git.test' 的用户名"
        );
    }
}
