; Inno Setup 6 recipe. Not built here (Linux only); its sections and references are checked by tests.
;   python packaging\build.py --no-smoke
;   iscc /DVersion=0.1.0 /DFlavour=cpu packaging\windows\cfinspect.iss
#ifndef Version
  #error Give the version: iscc /DVersion=0.1.0
#endif
#ifndef Flavour
  #define Flavour "cpu"
#endif

[Setup]
AppId={{6E0B0F0C-5B5F-4C55-9E4B-0C7F1B2E9A41}
AppName=cfinspect
AppVersion={#Version}
AppPublisher=cfinspect
DefaultDirName={autopf}\cfinspect
DefaultGroupName=cfinspect
; Per user without an administrator; one who is may choose all users.
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
LicenseFile=..\..\LICENSE
OutputDir=..\..\dist
OutputBaseFilename=cfinspect-{#Version}-windows-{#Flavour}-setup
SetupIconFile=..\..\build\bundle-{#Flavour}\icons\cfinspect.ico
UninstallDisplayIcon={app}\cfinspect.exe
Compression=lzma2
SolidCompression=yes
WizardStyle=modern
ChangesAssociations=yes

[Languages]
Name: "en"; MessagesFile: "compiler:Default.isl"
Name: "de"; MessagesFile: "compiler:Languages\German.isl"

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked

[InstallDelete]
; Libraries of an older version must not mix with the new ones.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "..\..\build\bundle-{#Flavour}\dist\cfinspect\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion

[Icons]
Name: "{group}\cfinspect"; Filename: "{app}\cfinspect.exe"
Name: "{autodesktop}\cfinspect"; Filename: "{app}\cfinspect.exe"; Tasks: desktopicon

[Registry]
; "Open with" for models; other programs use .safetensors too, so it is offered and not taken.
Root: HKA; Subkey: "Software\Classes\.safetensors\OpenWithProgids"; ValueType: string; ValueName: "cfinspect.model"; ValueData: ""; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\cfinspect.model"; ValueType: string; ValueData: "cfinspect model"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\cfinspect.model\DefaultIcon"; ValueType: string; ValueData: "{app}\cfinspect.exe,0"
Root: HKA; Subkey: "Software\Classes\cfinspect.model\shell\open\command"; ValueType: string; ValueData: """{app}\cfinspect.exe"" gui ""%1"""
; Projects are folders.
Root: HKA; Subkey: "Software\Classes\Directory\shell\cfinspect"; ValueType: string; ValueData: "Open with cfinspect"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\Directory\shell\cfinspect"; ValueType: string; ValueName: "Icon"; ValueData: "{app}\cfinspect.exe,0"
Root: HKA; Subkey: "Software\Classes\Directory\shell\cfinspect\command"; ValueType: string; ValueData: """{app}\cfinspect.exe"" gui ""%1"""

[Run]
Filename: "{app}\cfinspect.exe"; Description: "{cm:LaunchProgram,cfinspect}"; Flags: nowait postinstall skipifsilent
